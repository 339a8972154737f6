"""The built-in model itself, in its real child process."""

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path

import psutil
import pytest

from opentalking.core.conversation import Delta, Message
from opentalking.core.errors import ProviderError
from opentalking.core.providers import ChatModel
from opentalking.providers.llm.builtin import BuiltinChatModel, BuiltinConfig

LONG_STORY = [Message("user", "Tell me a long story about a ship on the sea.")]


@contextlib.asynccontextmanager
async def builtin(models_dir: Path, max_tokens: int = 40) -> AsyncIterator[BuiltinChatModel]:
    path = models_dir / "chat" / "SmolLM2-135M-Instruct.Q4_1.gguf"
    model = BuiltinChatModel(BuiltinConfig(path, max_tokens=max_tokens))
    try:
        yield model
    finally:
        await model.aclose()


async def answer(model: ChatModel, messages: list[Message] = LONG_STORY) -> str:
    async with aclosing(model.reply(messages)) as deltas:
        return "".join([piece.text async for piece in deltas])


async def rest_of(deltas: AsyncIterator[Delta]) -> str:
    return "".join([piece.text async for piece in deltas])


def cpu_seconds(pid: int) -> float:
    times = psutil.Process(pid).cpu_times()
    return float(times.user + times.system)


async def test_a_real_answer_streams_and_its_cancellation_stops_the_work(models_dir: Path) -> None:
    async with builtin(models_dir, max_tokens=1000) as model:
        assert model.info().demo
        assert model.info().ready
        await model.warm("You are a storyteller.")
        assert model.pid is not None
        async with aclosing(model.reply(LONG_STORY)) as deltas:
            words = [(await anext(deltas)).text for _ in range(5)]
        assert len("".join(words).split()) >= 3
        await idle(model.pid)


async def idle(pid: int) -> None:
    """Wait until a process has done nothing for 0.2 s."""
    async with asyncio.timeout(2):
        while True:
            before = cpu_seconds(pid)
            await asyncio.sleep(0.2)
            if cpu_seconds(pid) - before <= 0.02:
                return


async def test_a_killed_child_fails_its_answer_and_the_next_one_works(models_dir: Path) -> None:
    async with builtin(models_dir, max_tokens=1000) as model:
        async with aclosing(model.reply(LONG_STORY)) as deltas:
            await anext(deltas)
            first_pid = model.pid
            assert first_pid is not None
            os.kill(first_pid, signal.SIGKILL)
            with pytest.raises(ProviderError) as caught:
                await rest_of(deltas)
        assert caught.value.stage == "llm"
        async with aclosing(model.reply(LONG_STORY)) as deltas:
            assert (await anext(deltas)).text
        assert model.pid not in (None, first_pid)


async def test_long_prompts_and_several_at_once_are_answered(models_dir: Path) -> None:
    async with builtin(models_dir, max_tokens=12) as model:
        long = [
            Message("system", "Be kind. " * 2000),
            Message("user", "The weather is nice. " * 500 + "Is it?"),
        ]
        assert await answer(model, long)
        several = [answer(model, [Message("user", f"Say hello, number {number}.")]) for number in range(4)]
        assert all(await asyncio.gather(*several))


async def test_answers_end_with_a_whole_sentence(models_dir: Path) -> None:
    async with builtin(models_dir, max_tokens=60) as model:
        said = await answer(model)
    assert said.rstrip().endswith((".", "!", "?", '"'))


async def test_what_was_cut_off_is_not_imitated(models_dir: Path) -> None:
    talk = [
        Message("user", "And Mr. John Dashwood had then leisure to consider."),
        Message("assistant", "To", interrupted=True),
        Message("user", "He was not an ill-disposed young man."),
        Message("assistant", "To", interrupted=True),
        Message("user", "What is the capital of France?"),
    ]
    async with builtin(models_dir) as model:
        assert len((await answer(model, talk)).split()) >= 3


async def test_what_was_read_ahead_is_not_read_again(models_dir: Path) -> None:
    def question(name: str) -> list[Message]:
        return [Message("user", f"My name is {name}. " + "Now tell me what this is about. " * 8)]

    async with builtin(models_dir, max_tokens=1) as model:
        await model.read_ahead(question("Nobody"))
        assert model.pid is None, "it starts no model"
        await model.warm("You are a friend.")
        assert model.pid is not None
        costs = []
        for name, is_read in (("Anna", False), ("Brigitte", True), ("Carl", False)):
            if is_read:
                await model.read_ahead(question(name))
            await idle(model.pid)
            before = cpu_seconds(model.pid)
            with contextlib.suppress(ProviderError):  # one token may be no text
                await answer(model, question(name))
            await idle(model.pid)
            costs.append(cpu_seconds(model.pid) - before)
        print("an answer's first token, s of CPU; not read, read ahead, not read:", costs)
        assert costs[1] < 0.5 * min(costs[0], costs[2])


async def test_nothing_is_read_ahead_while_somebody_is_answered(models_dir: Path) -> None:
    async with builtin(models_dir, max_tokens=1000) as model:
        async with aclosing(model.reply(LONG_STORY)) as deltas:
            await anext(deltas)
            reading = asyncio.create_task(model.read_ahead(LONG_STORY))
            await asyncio.wait({reading}, timeout=0)
            assert reading.done()
        assert model.pid is not None
        await idle(model.pid)
        reading = asyncio.create_task(model.read_ahead(LONG_STORY))
        await asyncio.wait({reading}, timeout=0)
        assert not reading.done()
        await reading


async def test_missing_weights_are_named_with_their_remedy(tmp_path: Path) -> None:
    async with builtin(tmp_path) as model:
        assert not model.info().ready
        assert model.info().reason == "weights_missing: run `opentalking models pull --embedded`"
        with pytest.raises(ProviderError, match="weights_missing"):
            await answer(model)


async def test_damaged_weights_are_a_failure(tmp_path: Path) -> None:
    (tmp_path / "chat").mkdir()
    (tmp_path / "chat" / "SmolLM2-135M-Instruct.Q4_1.gguf").write_bytes(b"GGUF" + bytes(5000))
    async with builtin(tmp_path) as model:
        with pytest.raises(ProviderError, match="cannot be loaded"):
            await answer(model)


async def test_strangers_are_not_answered(models_dir: Path) -> None:
    async with builtin(models_dir) as model:
        await model.warm("")
        assert model.pid is not None
        ports = {
            connection.laddr.port
            for connection in psutil.Process(model.pid).net_connections("tcp")
            if connection.status == psutil.CONN_LISTEN
        }
        assert len(ports) == 1
        body = b'{"messages":[{"role":"user","content":"Hi"}]}'
        reader, writer = await asyncio.open_connection("127.0.0.1", ports.pop())
        head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n"
        writer.write(f"{head}Content-Type: application/json\r\nConnection: close\r\n\r\n".encode() + body)
        status = await reader.readline()
        writer.close()
        await writer.wait_closed()
    assert b" 401 " in status
