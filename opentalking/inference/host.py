"""A local model in a process of its own, as its users see it."""

import asyncio
import contextvars
import sys
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from pathlib import Path

import structlog

import opentalking
from opentalking.core.errors import ProviderError, provider_errors
from opentalking.inference.connection import Connection, Label
from opentalking.inference.framing import Json, Part

__all__ = ["InferenceProcess", "Json", "Part", "ProcessConfig"]

_log = structlog.get_logger("opentalking.inference")

# Not `-m`: that would put the working directory in front of the standard library. In front of what is
# installed stands the code that this process runs, so that parent and child are of one version.
_BOOTSTRAP = (
    "import runpy, site, sys; "
    "installed = [sys.path.index(path) for path in site.getsitepackages() if path in sys.path]; "
    "sys.path.insert(min(installed, default=len(sys.path)), sys.argv[1]); "
    "runpy.run_module(sys.argv[2], run_name='__main__', alter_sys=True)"
)
_ROOT = str(Path(opentalking.__file__).resolve().parents[1])
_ENVIRONMENT = {
    "HF_HUB_OFFLINE": "1",
    "LANG": "C.UTF-8",
    "OMP_NUM_THREADS": "1",
    "OMP_WAIT_POLICY": "passive",
    "OPENBLAS_NUM_THREADS": "1",
    "PYTHONUTF8": "1",
}
_STEADY_SECONDS = 30.0
_BACKOFF_FIRST_SECONDS = 0.5
_BACKOFF_MAX_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class ProcessConfig:
    """Which engine to run and how far to trust it.

    `settings` go to the engine's `load`. `environment` is added to a minimal one; nothing is
    inherited. `max_parallel` requests run at once (one worker thread each), `max_waiting` more wait
    up to `queue_timeout_seconds`; beyond that calls fail at once. `part_timeout_seconds` is the
    longest silence within a request before the child is killed as hung.
    """

    module: str
    stage: str
    provider: str
    settings: Mapping[str, object] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    niceness: int = 0
    max_parallel: int = 1
    max_waiting: int = 16
    start_timeout_seconds: float = 60.0
    part_timeout_seconds: float = 30.0
    queue_timeout_seconds: float = 30.0
    stop_timeout_seconds: float = 2.0

    @property
    def names(self) -> dict[str, str]:
        """Provider and engine for log lines: one provider may have several engines."""
        return {"provider": self.provider, "engine": self.module.rpartition(".")[2]}


class InferenceProcess:
    """Runs `python -m <module>` as a child and streams requests to it.

    The child starts with the first request (or `start()`), dies with this process, and is started
    afresh by the next request after a crash, at growing intervals if it keeps crashing. Every
    failure is a `ProviderError` of the configured stage and provider. Safe for concurrent use
    within one event loop.
    """

    def __init__(self, config: ProcessConfig) -> None:
        self._config = config
        self._label = Label(config.stage, config.provider)
        self._slots = asyncio.Semaphore(config.max_parallel)
        self._waiting = 0
        self._connection: Connection | None = None
        self._info: Json = {}
        self._starting: asyncio.Task[None] | None = None
        self._runs: set[asyncio.Task[None]] = set()
        self._crashes = 0
        self._not_before = 0.0
        self._closed = False

    @property
    def pid(self) -> int | None:
        """Process id of the running child, None when there is none."""
        return self._connection.pid if self.running and self._connection else None

    @property
    def running(self) -> bool:
        """Whether a loaded child is there."""
        return self._connection is not None and self._connection.usable

    async def start(self) -> Json:
        """Make sure that a loaded child runs; returns the `info` its engine gave.

        Cancelling the caller does not stop the start: others may wait for it too.
        """
        if self._closed:
            raise self._label.error("closed", retryable=False)
        if not self.running:
            if self._starting is None or self._starting.done():
                self._starting = asyncio.create_task(
                    self._start(),
                    name=f"start of {self._config.provider}",
                    # The child is not its first user's: its log lines carry nobody's context.
                    context=contextvars.Context(),
                )
                self._starting.add_done_callback(_mark_as_seen)
            await self._wait_for_start(self._starting)
        return self._info

    async def request(self, op: str, payload: Json, data: bytes = b"") -> AsyncGenerator[Part, None]:
        """Stream the reply to one request; closing the generator cancels the work behind it.

        Its slot is free again as soon as the child has done its part, even if the reader is slow.
        """
        slot = await self._take_slot()
        try:
            await self.start()
            connection = self._connection
            if connection is None:
                raise self._label.error("closed", retryable=False)
            message = {"op": op, "payload": payload}
            timeout_seconds = self._config.part_timeout_seconds
            async with aclosing(connection.exchange(message, data, timeout_seconds, slot.release)) as parts:
                async for part in parts:
                    yield part
        finally:
            slot.release()

    async def call(self, op: str, payload: Json, data: bytes = b"") -> Part:
        """The first part of the reply to one request, once the reply is complete."""
        first: Part | None = None
        async with aclosing(self.request(op, payload, data)) as parts:
            async for part in parts:
                first = first or part
        if first is None:
            raise self._label.error(f"{op} gave no answer", retryable=False)
        return first

    async def aclose(self) -> None:
        """End the child; idempotent. Requests in flight fail."""
        self._closed = True
        if self._starting is not None:
            self._starting.cancel()
            await asyncio.wait({self._starting})
        if self._connection is not None:
            await self._connection.close(self._config.stop_timeout_seconds)
        if self._runs:
            await asyncio.wait(self._runs)

    async def _take_slot(self) -> "_Slot":
        if self._slots.locked() and self._waiting >= self._config.max_waiting:
            raise self._label.error("too many requests are waiting")
        self._waiting += 1
        try:
            async with asyncio.timeout(self._config.queue_timeout_seconds):
                await self._slots.acquire()
        except TimeoutError as error:
            raise self._label.error(f"busy for {self._config.queue_timeout_seconds:g} s") from error
        finally:
            self._waiting -= 1
        return _Slot(self._slots)

    async def _wait_for_start(self, task: asyncio.Task[None]) -> None:
        await asyncio.wait({task})
        if task.cancelled():
            raise self._label.error("closed", retryable=False)
        task.result()

    async def _start(self) -> None:
        loop = asyncio.get_running_loop()
        if (pause_seconds := self._not_before - loop.time()) > 0:
            raise self._label.error(f"keeps failing; next start in {pause_seconds:.1f} s")
        connection = Connection(await self._spawn(), self._label)
        run = asyncio.create_task(self._watch(connection), name=f"child of {self._config.provider}")
        self._runs.add(run)
        run.add_done_callback(self._runs.discard)
        try:
            async with asyncio.timeout(self._config.start_timeout_seconds):
                self._info = await connection.handshake(self._first_frame())
        except TimeoutError as error:
            await connection.close(0)
            raise self._label.error(f"not loaded within {self._config.start_timeout_seconds:g} s") from error
        except (ProviderError, asyncio.CancelledError):
            await connection.close(0)
            raise
        self._connection = connection
        _log.info("engine_started", **self._config.names, pid=connection.pid)

    def _first_frame(self) -> Json:
        return {
            "kind": "start",
            "settings": dict(self._config.settings),
            "threads": self._config.max_parallel,
            "niceness": self._config.niceness,
        }

    async def _spawn(self) -> asyncio.subprocess.Process:
        pipe = asyncio.subprocess.PIPE
        with provider_errors(self._config.stage, self._config.provider):
            return await asyncio.create_subprocess_exec(
                sys.executable,
                *("-P", "-c", _BOOTSTRAP, _ROOT, self._config.module),
                stdin=pipe,
                stdout=pipe,
                stderr=pipe,
                env={**_ENVIRONMENT, **self._config.environment},
                start_new_session=True,  # a Ctrl-C in the terminal is the server's to handle
            )

    async def _watch(self, connection: Connection) -> None:
        loop = asyncio.get_running_loop()
        started_at = loop.time()
        try:
            await connection.run()
        finally:
            if not self._closed:
                steady = connection.completed_requests or loop.time() - started_at > _STEADY_SECONDS
                self._crashes = 1 if steady else self._crashes + 1
                pause_seconds = 0.0
                if self._crashes > 1:
                    pause_seconds = _BACKOFF_FIRST_SECONDS * 2.0 ** min(self._crashes - 2, 10)
                self._not_before = loop.time() + min(pause_seconds, _BACKOFF_MAX_SECONDS)
                _log.warning("engine_ended", **self._config.names, pid=connection.pid)


class _Slot:
    """One place among the parallel requests, given back once."""

    def __init__(self, slots: asyncio.Semaphore) -> None:
        self._slots: asyncio.Semaphore | None = slots

    def release(self) -> None:
        slots, self._slots = self._slots, None
        if slots is not None:
            slots.release()


def _mark_as_seen(task: asyncio.Task[None]) -> None:
    """Whoever waited may have been cancelled; a failed start is then nobody's news."""
    if not task.cancelled():
        task.exception()
