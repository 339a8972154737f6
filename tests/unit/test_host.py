"""Inference processes: requests, streams, cancellation, limits, crashes, and that nothing stays behind."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import psutil
import pytest
import structlog

from opentalking.core.errors import ProviderError
from opentalking.inference.host import InferenceProcess, Part, ProcessConfig

ECHO = "tests.support.engines.echo"
ROOT = Path(__file__).resolve().parents[2]


def config(**changes: Any) -> ProcessConfig:
    return ProcessConfig(**{"module": ECHO, "stage": "tts", "provider": "echo", "max_parallel": 2, **changes})


@pytest.fixture
async def host() -> AsyncIterator[InferenceProcess]:
    process = InferenceProcess(config())
    yield process
    await process.aclose()


async def collect(host: InferenceProcess, op: str, **payload: Any) -> list[Part]:
    async with aclosing(host.request(op, payload)) as parts:
        return [part async for part in parts]


def open_files() -> int:
    return len(os.listdir("/proc/self/fd"))


async def test_a_request_carries_objects_and_bytes_both_ways(host: InferenceProcess) -> None:
    assert not host.running
    data = bytes(range(256)) * 4000
    part = await host.call("echo", {"text": "你好", "list": [1, 2.5, None]}, data)
    assert part.header["payload"] == {"text": "你好", "list": [1, 2.5, None]}
    assert part.data == data
    assert host.running
    assert host.pid is not None
    assert host.pid != os.getpid()


async def test_a_reply_streams_more_parts_than_the_window_in_order(host: InferenceProcess) -> None:
    parts = await collect(host, "count", parts=200, bytes=50_000)
    assert [part.header["number"] for part in parts] == list(range(200))
    assert all(len(part.data) == 50_000 for part in parts)


async def test_a_slow_reader_holds_the_child_back(host: InferenceProcess) -> None:
    async with aclosing(host.request("count", {"parts": 1000})) as parts:
        await anext(parts)
        # The other worker thread answers only what has been sent so far: window plus what was read.
        assert await host.call("echo", {})
    (sent,) = (await host.call("stopped_after", {"wait_for": 1})).header["sent"]
    assert sent < 40


async def test_two_requests_run_side_by_side(host: InferenceProcess) -> None:
    async with aclosing(host.request("until_cancelled", {})) as parts:
        await anext(parts)
        assert (await host.call("echo", {"while": "busy"})).header["payload"] == {"while": "busy"}


async def test_closing_the_stream_stops_the_work(host: InferenceProcess) -> None:
    for _ in range(5):  # more often than there are threads: each must come free
        async with aclosing(host.request("until_cancelled", {})) as parts:
            assert (await anext(parts)).header == {"begun": True}
    assert await collect(host, "count", parts=3)


async def test_cancelling_the_task_stops_the_work(host: InferenceProcess) -> None:
    begun = asyncio.Event()

    async def read() -> None:
        async with aclosing(host.request("until_cancelled", {})) as parts:
            async for _ in parts:
                begun.set()

    for _ in range(4):
        begun.clear()
        task = asyncio.create_task(read())
        await begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert await collect(host, "count", parts=3)


async def test_an_engine_says_what_went_wrong_and_whether_to_try_again(host: InferenceProcess) -> None:
    for retryable in (True, False):
        with pytest.raises(ProviderError, match="echo: no such tune") as caught:
            await collect(host, "fail", retryable=retryable)
        assert caught.value.retryable is retryable
        assert (caught.value.stage, caught.value.provider) == ("tts", "echo")
    with pytest.raises(ProviderError, match="ZeroDivisionError: surprise"):
        await collect(host, "fail", unexpected=True)
    with pytest.raises(ProviderError, match="unknown operation 'sing'"):
        await collect(host, "sing")
    assert await host.call("echo", {})


async def test_a_crash_fails_what_is_in_flight_and_the_next_request_finds_a_fresh_child(
    host: InferenceProcess,
) -> None:
    await host.call("echo", {})
    first_pid = host.pid
    async with aclosing(host.request("until_cancelled", {})) as parts:
        await anext(parts)
        with pytest.raises(ProviderError, match="ended with code 3: last words") as caught:
            await host.call("die", {"code": 3})
        assert caught.value.retryable
        with pytest.raises(ProviderError, match="ended with code 3"):
            await anext(parts)
    assert not host.running
    assert await host.call("echo", {})
    assert host.pid != first_pid


async def test_a_killed_child_is_replaced(host: InferenceProcess) -> None:
    async with aclosing(host.request("until_cancelled", {})) as parts:
        await anext(parts)
        assert host.pid is not None
        os.kill(host.pid, signal.SIGKILL)
        with pytest.raises(ProviderError, match="ended with code -9"):
            await anext(parts)
    assert await host.call("echo", {})


async def test_a_silent_child_is_killed_as_hung() -> None:
    host = InferenceProcess(config(part_timeout_seconds=0.3))
    await host.start()
    hung = psutil.Process(host.pid)
    with pytest.raises(ProviderError, match=r"silent for 0\.3 s") as caught:
        await host.call("hang", {})
    assert caught.value.retryable
    assert await host.call("echo", {})
    assert host.pid != hung.pid
    await host.aclose()
    assert not hung.is_running()


async def test_a_hung_child_is_killed_also_when_its_readers_give_up_first() -> None:
    host = InferenceProcess(config(part_timeout_seconds=1.5))
    try:
        await host.start()
        pid = host.pid
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await collect(host, "hang")
        assert host.pid == pid
        with pytest.raises(ProviderError, match="process ended"):
            await collect(host, "hang")
        assert await collect(host, "echo")
        assert host.pid != pid
    finally:
        await host.aclose()


async def test_a_child_that_heeds_a_cancellation_lives_on() -> None:
    host = InferenceProcess(config(part_timeout_seconds=0.5))
    try:
        for _ in range(3):
            async with aclosing(host.request("until_cancelled", {})) as parts:
                await anext(parts)
        pid = host.pid
        await asyncio.sleep(1.2)  # longer than a child may take to heed
        assert host.pid == pid
    finally:
        await host.aclose()


async def test_a_child_that_has_answered_lives_on_when_nobody_reads_the_rest() -> None:
    host = InferenceProcess(config(part_timeout_seconds=0.5, max_parallel=1))
    try:
        async with aclosing(host.request("count", {"parts": 3})) as parts:
            await anext(parts)
            assert await host.call("echo", {})  # its turn comes when the other one has been answered
        pid = host.pid
        await asyncio.sleep(1.2)  # longer than a child may take to heed
        assert host.pid == pid
    finally:
        await host.aclose()


async def test_a_child_that_keeps_crashing_is_not_started_at_once_again() -> None:
    host = InferenceProcess(config(settings={"crash": "no weights"}))
    with pytest.raises(ProviderError, match="RuntimeError: no weights"):
        await host.start()
    with pytest.raises(ProviderError, match="RuntimeError: no weights"):
        await host.start()  # the first crash is forgiven
    with pytest.raises(ProviderError, match="keeps failing; next start in") as caught:
        await host.start()
    assert caught.value.retryable
    await host.aclose()


async def test_an_engine_may_refuse_to_load() -> None:
    host = InferenceProcess(config(settings={"refuse": "weights_missing"}))
    with pytest.raises(ProviderError, match="echo: weights_missing") as caught:
        await host.call("echo", {})
    assert not caught.value.retryable
    await host.aclose()


async def test_loading_has_a_time_limit() -> None:
    host = InferenceProcess(config(settings={"load_seconds": 30}, start_timeout_seconds=0.3))
    with pytest.raises(ProviderError, match=r"not loaded within 0\.3 s"):
        await host.start()
    await host.aclose()


async def test_many_may_wait_for_one_start_and_a_cancelled_one_does_not_stop_it() -> None:
    host = InferenceProcess(config(settings={"load_seconds": 0.3}, max_parallel=4))
    impatient = asyncio.create_task(host.call("echo", {}))
    others = [asyncio.create_task(host.call("facts", {})) for _ in range(3)]
    await asyncio.sleep(0)
    impatient.cancel()
    pids = {(await other).header["pid"] for other in others}
    assert pids == {host.pid}
    assert impatient.cancelled()
    await host.aclose()


async def test_requests_beyond_the_queue_fail_at_once_and_waiting_has_a_limit() -> None:
    host = InferenceProcess(config(max_parallel=1, max_waiting=1, queue_timeout_seconds=0.3))
    async with aclosing(host.request("until_cancelled", {})) as parts:
        await anext(parts)
        waiting = asyncio.create_task(host.call("echo", {}))
        await asyncio.sleep(0)
        with pytest.raises(ProviderError, match="too many requests are waiting"):
            await host.call("echo", {})
        with pytest.raises(ProviderError, match=r"busy for 0\.3 s"):
            await waiting
    assert await host.call("echo", {})
    await host.aclose()


async def test_a_slow_reader_does_not_hold_the_slot_of_a_finished_request() -> None:
    host = InferenceProcess(config(max_parallel=1, queue_timeout_seconds=5))
    async with aclosing(host.request("count", {"parts": 5})) as parts:
        await anext(parts)
        assert await host.call("echo", {})
        assert [part.header["number"] async for part in parts] == [1, 2, 3, 4]
    await host.aclose()


async def test_the_child_gets_a_small_environment_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENTALKING_LLM_API_KEY", "secret")
    monkeypatch.setenv("PYTHONPATH", "/nowhere")
    host = InferenceProcess(config(environment={"EXTRA": "1"}, niceness=3))
    facts = (await host.call("facts", {})).header
    await host.aclose()
    assert facts["environment"]["OMP_NUM_THREADS"] == "1"
    assert facts["environment"]["EXTRA"] == "1"
    assert not {"OPENTALKING_LLM_API_KEY", "PYTHONPATH"} & facts["environment"].keys()
    assert facts["niceness"] == os.nice(0) + 3
    assert facts["autogroup"] in ("", "nice 3")  # "" where the system has none


async def test_what_the_child_prints_goes_to_the_log(host: InferenceProcess) -> None:
    with structlog.testing.capture_logs() as logs:
        await host.call("facts", {})
        await host.aclose()
    lines = [entry for entry in logs if entry["event"] == "engine_output"]
    assert [entry["line"] for entry in lines] == ["this goes to the log, not into the wire"]
    assert lines[0]["provider"] == "echo"


async def test_log_lines_are_bounded_in_length_and_number() -> None:
    host = InferenceProcess(config())
    with structlog.testing.capture_logs() as logs:
        await host.call("noise", {"lines": 5000, "length": 3000})
        await host.aclose()
    lines = [entry["line"] for entry in logs if entry["event"] == "engine_output"]
    assert 0 < len(lines) < 1000
    assert max(map(len, lines)) <= 2000


async def test_closing_ends_the_child_and_leaves_nothing_open() -> None:
    before = open_files()
    host = InferenceProcess(config())
    await host.start()
    child = psutil.Process(host.pid)
    await host.aclose()
    await host.aclose()
    assert not child.is_running()
    await asyncio.sleep(0)  # the transport closes its last pipe in a callback
    assert open_files() == before
    with pytest.raises(ProviderError, match="closed"):
        await host.call("echo", {})


async def test_crashes_and_timeouts_leave_nothing_open() -> None:
    async def round_of_failures() -> None:
        host = InferenceProcess(config(part_timeout_seconds=0.2))
        for op in ("die", "hang", "echo"):
            try:
                await host.call(op, {"code": 1})
            except ProviderError:
                continue
        await host.aclose()
        await asyncio.sleep(0)

    await round_of_failures()
    before = open_files()
    for _ in range(3):
        await round_of_failures()
    assert open_files() == before
    assert not psutil.Process().children()


async def test_closing_while_the_child_loads_or_works_is_quick() -> None:
    loading = InferenceProcess(config(settings={"load_seconds": 60}))
    start = asyncio.create_task(loading.start())
    await asyncio.sleep(0.1)
    await loading.aclose()
    with pytest.raises(ProviderError):
        await start

    working = InferenceProcess(config())
    async with aclosing(working.request("until_cancelled", {})) as parts:
        await anext(parts)
        await working.aclose()
        with pytest.raises(ProviderError):
            await anext(parts)


PARENT = """
import asyncio, sys
from opentalking.inference.host import InferenceProcess, ProcessConfig

async def main():
    host = InferenceProcess(ProcessConfig(module=sys.argv[1], stage="tts", provider="echo"))
    await host.start()
    print(host.pid, flush=True)
    async for _ in host.request("hang", {}):
        pass

asyncio.run(main())
"""


def test_the_child_dies_with_its_parent() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, ECHO], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout
        lines = iter(parent.stdout.readline, "")
        pid = next(int(line) for line in lines if line.strip().isdigit())
        child = psutil.Process(pid)
        assert child.is_running()
        parent.kill()
    gone, alive = psutil.wait_procs([child], timeout=5)
    assert gone
    assert not alive
