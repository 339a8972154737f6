"""A fake engine that misbehaves on request."""

import os
import sys
import threading
import time
from collections.abc import Generator
from pathlib import Path

from opentalking.inference.child import Engine, EngineError, Request, serve
from opentalking.inference.framing import Json, Part

_stopped: list[int] = []


def _echo(request: Request) -> Generator[Part, None, None]:
    yield Part({"payload": request.payload, "thread": threading.current_thread().name}, request.data)


def _count(request: Request) -> Generator[Part, None, None]:
    sent = 0
    try:
        for number in range(request.payload["parts"]):
            sent = number + 1
            yield Part({"number": number}, b"x" * request.payload.get("bytes", 0))
            time.sleep(request.payload.get("pause_seconds", 0.0))
    finally:
        _stopped.append(sent)


def _stopped_after(request: Request) -> Generator[Part, None, None]:
    while len(_stopped) < request.payload["wait_for"]:
        time.sleep(0.001)
    yield Part({"sent": list(_stopped)})


def _hang(_request: Request) -> Generator[Part, None, None]:
    threading.Event().wait()
    yield Part({})


def _until_cancelled(request: Request) -> Generator[Part, None, None]:
    yield Part({"begun": True})
    while not request.cancelled:
        time.sleep(0.001)


def _fail(request: Request) -> Generator[Part, None, None]:
    yield Part({"before": True})
    if request.payload.get("unexpected"):
        raise ZeroDivisionError("surprise")
    raise EngineError("no such tune", retryable=request.payload["retryable"])


def _die(request: Request) -> Generator[Part, None, None]:
    print("last words", file=sys.stderr, flush=True)
    os._exit(request.payload["code"])
    yield Part({})


def _noise(request: Request) -> Generator[Part, None, None]:
    for _ in range(request.payload["lines"]):
        print("x" * request.payload["length"], file=sys.stderr)
    yield Part({})


def _facts(_request: Request) -> Generator[Part, None, None]:
    print("this goes to the log, not into the wire")
    facts = {"environment": dict(os.environ), "niceness": os.nice(0), "pid": os.getpid()}
    yield Part({**facts, "autogroup": _autogroup()})


def _autogroup() -> str:
    """What weighs this process's group against others, as "nice 3"; "" without groups."""
    try:
        return Path("/proc/self/autogroup").read_text(encoding="ascii").partition(" ")[2].strip()
    except OSError:
        return ""


def load(settings: Json) -> Engine:
    if "refuse" in settings:
        raise EngineError(settings["refuse"])
    if "crash" in settings:
        raise RuntimeError(settings["crash"])
    time.sleep(settings.get("load_seconds", 0))
    handlers = {
        "echo": _echo,
        "count": _count,
        "stopped_after": _stopped_after,
        "hang": _hang,
        "until_cancelled": _until_cancelled,
        "fail": _fail,
        "die": _die,
        "noise": _noise,
        "facts": _facts,
    }
    return Engine(handlers, info={"pid": os.getpid(), "settings": settings})


if __name__ == "__main__":
    serve(load)
