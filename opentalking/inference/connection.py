"""The server's side of one running child: frames in and out, and its end."""

import asyncio
import contextlib
import itertools
import os
import signal
from asyncio.subprocess import Process
from collections import deque
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass

import structlog

from opentalking.core.errors import ProviderError
from opentalking.inference.framing import (
    PREFIX,
    FrameError,
    Json,
    Part,
    pack,
    unpack_header,
    unpack_prefix,
)

_log = structlog.get_logger("opentalking.inference")

_WINDOW_PARTS = 16
_LINE_MAX_BYTES = 2000
_LINES_PER_SECOND = 50
_LAST_LINES = 5
_HEED_SECONDS = 1.0
"""A child has at least this long to heed a cancellation."""


@dataclass(frozen=True, slots=True)
class Label:
    """Whose child it is, for errors and logs."""

    stage: str
    provider: str

    def error(self, message: str, *, retryable: bool = True) -> ProviderError:
        """A `ProviderError` of this stage and provider."""
        return ProviderError(
            f"{self.provider}: {message}", stage=self.stage, provider=self.provider, retryable=retryable
        )


class Connection:
    """One child process from its first frame to its exit.

    `run()` must be a task of the owner; it ends when the child has exited, and from then on every
    request has failed with a retryable `ProviderError`.
    """

    def __init__(self, process: Process, label: Label) -> None:
        if process.stdin is None or process.stdout is None or process.stderr is None:
            raise ValueError("the child needs three pipes")
        self._process = process
        self._stdin, self._stdout, self._stderr = process.stdin, process.stdout, process.stderr
        self._label = label
        self._ready: asyncio.Future[Json] = asyncio.get_running_loop().create_future()
        self._inboxes: dict[int, asyncio.Queue[tuple[Json, bytes]]] = {}
        self._on_done: dict[int, Callable[[], None]] = {}
        self._overdue: dict[int, asyncio.TimerHandle] = {}
        self._idents = itertools.count(1)
        self._last_lines: deque[str] = deque(maxlen=_LAST_LINES)
        self.completed_requests = 0
        self.usable = True

    @property
    def pid(self) -> int:
        """The child's process id."""
        return self._process.pid

    async def handshake(self, start: Json) -> Json:
        """Send `start` and wait for the engine's `info`; raises `ProviderError`."""
        self._write(start)
        return await self._ready

    async def run(self) -> None:
        """Read until the child ends, then collect it and fail what was in flight."""
        lines = asyncio.create_task(self._forward_stderr(), name=f"stderr of {self._label.provider}")
        try:
            await self._read_frames()
        except (FrameError, KeyError) as error:
            _log.error("engine_protocol_error", provider=self._label.provider, error=str(error))
        finally:
            self._kill()
            self._stdin.close()
            code = await self._process.wait()
            await lines
            self._end(code)

    async def exchange(
        self, request: Json, data: bytes, part_timeout_seconds: float, on_done: Callable[[], None]
    ) -> AsyncGenerator[Part, None]:
        """Send one request (`op`, `payload`) and stream its parts; closing the generator cancels it.

        `on_done` is called when the child has sent its last part, though it may not have been read
        yet. A child that is silent for `part_timeout_seconds` is taken for hung and killed, also when
        the reader gives up first.
        """
        time = asyncio.get_running_loop().time
        waiting_since: float | None = None
        ident = next(self._idents)
        inbox: asyncio.Queue[tuple[Json, bytes]] = asyncio.Queue(_WINDOW_PARTS + 2)
        self._inboxes[ident] = inbox
        self._on_done[ident] = on_done
        try:
            if not self.usable:
                raise self._label.error("process ended")
            self._write({**request, "kind": "request", "id": ident, "window": _WINDOW_PARTS}, data)
            while True:
                waiting_since = time()
                header, body = await self._next(inbox, part_timeout_seconds)
                waiting_since = None
                if header["kind"] != "part":
                    break
                self._write({"kind": "more", "id": ident})
                yield Part(header["header"], body)
            self._inboxes.pop(ident)
            if header["kind"] == "error":
                raise self._label.error(header["message"], retryable=header["retryable"])
            self.completed_requests += 1
        finally:
            is_under_way = self._on_done.pop(ident, None) is not None
            if self._inboxes.pop(ident, None) is not None and is_under_way:
                self._cancel(ident, (waiting_since or time()) + part_timeout_seconds)

    async def _next(
        self, inbox: asyncio.Queue[tuple[Json, bytes]], timeout_seconds: float
    ) -> tuple[Json, bytes]:
        try:
            async with asyncio.timeout(timeout_seconds):
                return await inbox.get()
        except TimeoutError as error:
            self._kill()
            raise self._label.error(f"silent for {timeout_seconds:g} s; process killed") from error

    def _cancel(self, ident: int, due: float) -> None:
        if not self.usable:
            return
        self._write({"kind": "cancel", "id": ident})
        loop = asyncio.get_running_loop()
        due = max(due, loop.time() + _HEED_SECONDS)
        self._overdue[ident] = loop.call_at(due, self._not_heeded)

    def _not_heeded(self) -> None:
        _log.warning("engine_hung", provider=self._label.provider, pid=self.pid)
        self._kill()

    async def close(self, timeout_seconds: float) -> None:
        """Ask the child to end, then terminate it, then kill it; the task of `run()` sees it end."""
        self._stdin.close()
        for stronger in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(timeout_seconds):
                    await self._process.wait()
            if self._process.returncode is not None:
                return
            self._signal(stronger)

    def _kill(self) -> None:
        self.usable = False
        self._signal(signal.SIGKILL)

    def _signal(self, number: signal.Signals) -> None:
        # Not `Process.send_signal`: that reaps a child which just ended, behind asyncio's back.
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def _write(self, header: Json, data: bytes = b"") -> None:
        # No drain: the child always reads, and what waits here is bounded by the host's slots.
        if not self._stdin.is_closing():
            self._stdin.write(pack(header, data))

    async def _read_frames(self) -> None:
        while True:
            try:
                prefix = await self._stdout.readexactly(PREFIX.size)
                header_length, data_length = unpack_prefix(prefix)
                header = unpack_header(await self._stdout.readexactly(header_length))
                data = await self._stdout.readexactly(data_length)
            except (asyncio.IncompleteReadError, ConnectionError):
                return
            self._deliver(header, data)

    def _deliver(self, header: Json, data: bytes) -> None:
        kind = header["kind"]
        if kind == "ready":
            self._settle(header["info"])
        elif kind == "failed":
            self._settle(self._label.error(header["message"], retryable=header["retryable"]))
        elif kind != "part" and (timer := self._overdue.pop(header["id"], None)) is not None:
            timer.cancel()
        elif (inbox := self._inboxes.get(header["id"])) is not None:
            try:
                inbox.put_nowait((header, data))
            except asyncio.QueueFull:
                raise FrameError("more parts than the window allows") from None
            if kind != "part" and (on_done := self._on_done.pop(header["id"], None)) is not None:
                on_done()

    def _settle(self, outcome: Json | ProviderError) -> None:
        if self._ready.done():
            return
        if isinstance(outcome, ProviderError):
            self._ready.set_exception(outcome)
            self._ready.exception()  # marks it as seen: nobody may be waiting any more
        else:
            self._ready.set_result(outcome)

    def _end(self, code: int) -> None:
        self.usable = False
        last = f": {self._last_lines[-1]}" if self._last_lines else ""
        message = f"process ended with code {code}{last if code else ''}"
        self._settle(self._label.error(message))
        for timer in self._overdue.values():
            timer.cancel()
        self._overdue.clear()
        for inbox in self._inboxes.values():
            while inbox.full():
                inbox.get_nowait()
            inbox.put_nowait(({"kind": "error", "message": message, "retryable": True}, b""))

    async def _forward_stderr(self) -> None:
        pending = b""
        budget = _LineBudget()
        while chunk := await self._stderr.read(4096):
            *lines, pending = (pending + chunk).split(b"\n")
            for line in lines:
                self._log_line(line, budget)
            if len(pending) > _LINE_MAX_BYTES:
                self._log_line(pending, budget)
                pending = b""
        if pending:
            self._log_line(pending, budget)

    def _log_line(self, raw: bytes, budget: "_LineBudget") -> None:
        line = raw[:_LINE_MAX_BYTES].decode("utf-8", "replace").rstrip()
        if not line:
            return
        self._last_lines.append(line)
        if budget.take():
            _log.info("engine_output", provider=self._label.provider, pid=self.pid, line=line)


class _LineBudget:
    """Lets a bounded number of log lines per second through."""

    def __init__(self) -> None:
        self._second = 0
        self._used = 0

    def take(self) -> bool:
        second = int(asyncio.get_running_loop().time())
        if second != self._second:
            self._second, self._used = second, 0
        self._used += 1
        return self._used <= _LINES_PER_SECOND
