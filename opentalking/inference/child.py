"""The child's side of an inference process: load an engine, then answer requests.

An engine module ends in::

    if __name__ == "__main__":
        serve(load)

`load(settings)` returns an `Engine`. Its handlers are generators that run in worker threads,
yield `Part`s and look at `request.cancelled` wherever they can stop; when it is set, the generator
is closed at its next `yield`.
"""

import contextlib
import ctypes
import io
import os
import queue
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from typing import BinaryIO

from opentalking.inference.framing import (
    PREFIX,
    Json,
    Part,
    pack,
    unpack_header,
    unpack_prefix,
)

_PR_SET_PDEATHSIG = 1
_BACKLOG_REQUESTS = 1024


class EngineError(Exception):
    """A failure that a person can act on; `retryable` says that the same call may succeed later."""

    def __init__(self, message: str, *, retryable: bool = False) -> None:
        super().__init__(message)
        self.retryable = retryable


class Cancelled(Exception):
    """A handler gave up because its request was cancelled."""


class Request:
    """A request as its handler sees it."""

    def __init__(self, op: str, payload: Json, data: bytes, window: int) -> None:
        self.op = op
        self.payload = payload
        self.data = data
        self._credit = threading.Semaphore(window)
        self._cancelled = threading.Event()
        self._on_cancel: Callable[[], None] | None = None

    @property
    def cancelled(self) -> bool:
        """Whether nobody reads this request any more; thread-safe."""
        return self._cancelled.is_set()

    def on_cancel(self, stop: Callable[[], None] | None) -> None:
        """Have `stop` called, from another thread, when the request is cancelled (None: not any more)."""
        self._on_cancel = stop
        if stop is not None and self.cancelled:
            stop()

    def cancel(self) -> None:
        """Mark as unwanted, stop the work, and wake a handler that waits for its reader."""
        self._cancelled.set()
        self._credit.release()
        if (stop := self._on_cancel) is not None:
            stop()

    def allow_part(self) -> None:
        """The reader took a part."""
        self._credit.release()

    def await_reader(self) -> bool:
        """Wait until a part may be sent; False when the request was cancelled instead."""
        self._credit.acquire()
        return not self.cancelled


Handler = Callable[[Request], Generator[Part, None, None]]


@dataclass(frozen=True, slots=True)
class Engine:
    """A loaded engine: a handler per operation, and what the server may know about it."""

    handlers: Mapping[str, Handler]
    info: Json = field(default_factory=dict)


def serve(load: Callable[[Json], Engine]) -> None:
    """Run as the child of an `InferenceProcess` until it goes away; does not return."""
    _die_with_parent()
    reader, writer = _take_over_pipes()
    start = _read_frame(reader)
    if start is None:
        os._exit(0)
    _give_way(start[0]["niceness"])
    output = _Output(writer)
    try:
        engine = load(start[0]["settings"])
    except EngineError as error:
        output.send({"kind": "failed", "message": str(error), "retryable": error.retryable})
        os._exit(1)
    server = _Server(engine, output)
    server.start(start[0]["threads"])
    output.send({"kind": "ready", "info": engine.info})
    try:
        server.read(reader)
    finally:
        # Not sys.exit: native threads may be in the middle of a model and must not delay the end.
        os._exit(0)


class _Output:
    """Frames to the server, whole and one at a time, from any thread."""

    def __init__(self, writer: BinaryIO) -> None:
        self._writer = writer
        self._lock = threading.Lock()

    def send(self, header: Json, data: bytes = b"") -> None:
        frame = pack(header, data)
        with self._lock:
            self._writer.write(frame)
            self._writer.flush()


class _Server:
    """Hands requests to worker threads and their parts to the output."""

    def __init__(self, engine: Engine, output: _Output) -> None:
        self._engine = engine
        self._output = output
        self._requests: dict[int, Request] = {}
        self._backlog: queue.Queue[tuple[int, Request]] = queue.Queue(_BACKLOG_REQUESTS)

    def start(self, threads: int) -> None:
        for number in range(threads):
            threading.Thread(target=self._work, name=f"engine-{number}", daemon=True).start()

    def read(self, reader: BinaryIO) -> None:
        while (frame := _read_frame(reader)) is not None:
            header, data = frame
            ident = header["id"]
            if header["kind"] == "request":
                request = Request(header["op"], header["payload"], data, header["window"])
                self._requests[ident] = request
                self._backlog.put((ident, request))
            elif (known := self._requests.get(ident)) is not None:
                if header["kind"] == "cancel":
                    known.cancel()
                else:
                    known.allow_part()

    def _work(self) -> None:
        while True:
            ident, request = self._backlog.get()
            try:
                self._answer(ident, request)
            except BrokenPipeError:
                os._exit(0)  # the server is gone
            finally:
                self._requests.pop(ident, None)

    def _answer(self, ident: int, request: Request) -> None:
        try:
            self._stream(ident, request)
        except Cancelled:
            self._output.send({"kind": "end", "id": ident})
        except EngineError as error:
            self._fail(ident, str(error), retryable=error.retryable)
        except BrokenPipeError:
            raise
        except Exception as error:  # noqa: BLE001 - the process boundary: the reader must hear of every failure
            traceback.print_exc(file=sys.stderr)
            self._fail(ident, f"{type(error).__name__}: {error}", retryable=False)

    def _stream(self, ident: int, request: Request) -> None:
        if request.cancelled:
            raise Cancelled
        handler = self._engine.handlers.get(request.op)
        if handler is None:
            raise EngineError(f"unknown operation {request.op!r}")
        with contextlib.closing(handler(request)) as parts:
            for part in parts:
                if not request.await_reader():
                    raise Cancelled
                self._output.send({"kind": "part", "id": ident, "header": part.header}, part.data)
                if request.cancelled:
                    raise Cancelled
        self._output.send({"kind": "end", "id": ident})

    def _fail(self, ident: int, message: str, *, retryable: bool) -> None:
        self._output.send({"kind": "error", "id": ident, "message": message, "retryable": retryable})


def _read_frame(reader: BinaryIO) -> tuple[Json, bytes] | None:
    prefix = reader.read(PREFIX.size)
    if len(prefix) < PREFIX.size:
        return None
    header_length, data_length = unpack_prefix(prefix)
    body = reader.read(header_length + data_length)
    if len(body) < header_length + data_length:
        return None
    return unpack_header(body[:header_length]), body[header_length:]


def _take_over_pipes() -> tuple[BinaryIO, BinaryIO]:
    """The two ends of the wire; afterwards whatever a library prints goes to stderr."""
    reader = os.fdopen(os.dup(0), "rb")
    writer = os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True)
    return reader, writer


def _give_way(niceness: int) -> None:
    """Leave the processor to others.

    Linux with autogroups (sched(7)) weighs the niceness only within a session, and this process is alone
    in its own: there the group must be nice.
    """
    os.nice(niceness)
    if niceness and sys.platform == "linux":
        with contextlib.suppress(OSError), open("/proc/self/autogroup", "w", encoding="ascii") as group:
            group.write(str(niceness))


def _die_with_parent() -> None:
    """Linux: be killed as soon as the server dies, even in the middle of loading (prctl(2))."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
