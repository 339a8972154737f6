"""A real server in a process of its own, started the way a person starts it.

    async with RunningServer({"OPENTALKING_MAX_SESSIONS": "1"}, tmp_path) as server:
        ... server.url ...

Leaving the block ends it and asserts that it went cleanly: in time, with nothing left behind and no
error in its log (records whose event is in `expected_errors` aside).
"""

import asyncio
import json
import os
import re
import signal
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psutil

ROOT = Path(__file__).parents[2]
START_SECONDS = 60.0
STOP_SECONDS = 10.0
DEFAULTS = {"OPENTALKING_LOG_FORMAT": "json", "OPENTALKING_PREWARM_AVATARS": "demo-avatar"}
"""The other characters are prepared by whoever asks for them, so that nothing runs beside a test."""
STEADY_VOICE = {"OPENTALKING_TTS_LOCAL_NOISE_SCALE": "0", "OPENTALKING_TTS_LOCAL_NOISE_W": "0"}
"""Every take of the voice is the same."""


async def eventually(condition: Callable[[], bool], what: str, timeout_seconds: float = 10.0) -> None:
    """Wait for something that nobody announces."""
    deadline = time.monotonic() + timeout_seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {timeout_seconds:g} s: {what}"
        await asyncio.sleep(0.02)


class RunningServer:
    """`opentalking serve` on a free loopback port (or `port`), with only the given settings."""

    def __init__(self, settings: Mapping[str, str], directory: Path, *, port: int = 0) -> None:
        self.records: list[dict[str, Any]] = []
        self.output: list[str] = []
        self.expected_errors: set[str] = set()
        self._settings = settings
        self._directory = directory
        self._port = port
        self._url = ""
        self._changed = asyncio.Event()
        self._process: asyncio.subprocess.Process | None = None
        self._readers: list[asyncio.Task[None]] = []

    @property
    def url(self) -> str:
        return self._url

    @property
    def port(self) -> int:
        return int(self._url.rsplit(":", 1)[1])

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    async def __aenter__(self) -> Self:
        program = Path(sys.executable).with_name("opentalking")
        assert program.is_file(), f"{program} is missing: pip install -e . in this environment"
        # Nothing is inherited but what a program needs to run: the tests say what is configured.
        environment = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        self._process = await asyncio.create_subprocess_exec(
            str(program),
            *("serve", "--host", "127.0.0.1", "--port", str(self._port)),
            cwd=self._directory,
            # The code beside the tests, also in a second working tree that shares an environment.
            env={**environment, "PYTHONPATH": str(ROOT), **DEFAULTS, **self._own_files(), **self._settings},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            limit=1 << 20,
        )
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        for stream in (self._process.stdout, self._process.stderr):
            self._readers.append(asyncio.create_task(self._read(stream)))
        try:
            await self._wait(lambda: bool(self._url), "the URL", START_SECONDS)
            await self.logged("warm", timeout_seconds=START_SECONDS)
        except BaseException:
            await self.kill()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.running:
            await self.stop()

    def _own_files(self) -> dict[str, str]:
        """Models and caches are shared with other servers of this machine, what users make is not."""
        return {
            "OPENTALKING_SQLITE_PATH": str(self._directory / "voices.sqlite3"),
            "OPENTALKING_VOICES_DIR": str(self._directory / "voices"),
        }

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.returncode is None

    async def logged(
        self, event: str, *, after: int = 0, timeout_seconds: float = 10.0, **fields: Any
    ) -> dict[str, Any]:
        """The first log record of this event with these fields, from record number `after` on."""

        def found() -> list[dict[str, Any]]:
            wanted = {"event": event, **fields}.items()
            return [record for record in self.records[after:] if wanted <= record.items()]

        await self._wait(lambda: bool(found()), f"the log record {event!r} {fields}", timeout_seconds)
        return found()[0]

    def children(self) -> list[psutil.Process]:
        """The processes that the server started; none when it is dead."""
        try:
            return list(psutil.Process(self.pid).children(recursive=True))
        except psutil.NoSuchProcess:
            return []

    def engine_pid(self, engine: str) -> int:
        """Process id of the engine of this name that was started last."""
        wanted = {"event": "engine_started", "engine": engine}.items()
        started = [record["pid"] for record in self.records if wanted <= record.items()]
        assert started, f"no engine {engine} was started"
        return int(started[-1])

    def media_sockets(self) -> int:
        """How many UDP sockets are open."""
        return len(psutil.Process(self.pid).net_connections(kind="udp"))

    def threads(self) -> int:
        """How many threads run."""
        return int(psutil.Process(self.pid).num_threads())

    def open_files(self) -> int:
        """How many file descriptors are open."""
        return int(psutil.Process(self.pid).num_fds())

    async def stop(self) -> None:
        """End it as `docker stop` would, and look at what it leaves behind."""
        process = self._process
        assert process is not None
        children = self.children()
        started = time.monotonic()
        process.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await process.wait()
        except TimeoutError:
            await self.kill()
            raise AssertionError(f"no end within {STOP_SECONDS:g} s:\n{self.tail()}") from None
        seconds = time.monotonic() - started
        await asyncio.gather(*self._readers)
        assert process.returncode in (0, -signal.SIGTERM), f"exit status {process.returncode}:\n{self.tail()}"
        left = [child for child in children if child.is_running() and child.status() != psutil.STATUS_ZOMBIE]
        for child in left:
            child.kill()
        assert not left, f"the server left processes behind after {seconds:.1f} s: {left}"
        assert not self.errors(), f"errors in the server's log:\n{self.tail(self.errors())}"

    def errors(self) -> list[dict[str, Any]]:
        """Log records of level error and worse, the expected ones aside."""
        bad = [record for record in self.records if record.get("level") in ("error", "critical")]
        return [record for record in bad if record["event"] not in self.expected_errors]

    async def kill(self) -> None:
        """End it with what it started, at once, without looking."""
        process = self._process
        if process is None or process.returncode is not None:
            return
        children = self.children()
        process.kill()
        await process.wait()
        for child in children:
            if child.is_running():
                child.kill()
        await asyncio.gather(*self._readers)

    def tail(self, records: list[dict[str, Any]] | None = None) -> str:
        shown = self.records[-30:] if records is None else records
        return "\n".join([*self.output[-10:], *(json.dumps(record)[:2000] for record in shown)])

    async def _wait(self, condition: Callable[[], bool], what: str, timeout_seconds: float) -> None:
        assert self._process is not None
        try:
            async with asyncio.timeout(timeout_seconds):
                while not condition():
                    died = all(reader.done() for reader in self._readers)
                    assert not died, f"the server died:\n{self.tail()}"
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            raise AssertionError(f"not within {timeout_seconds:g} s: {what}\n{self.tail()}") from None

    async def _read(self, stream: asyncio.StreamReader) -> None:
        async for line in stream:
            self._take(line.decode(errors="replace").rstrip())
            self._changed.set()
        self._changed.set()

    def _take(self, line: str) -> None:
        if found := re.search(r"ready: http://\S+:(\d+)", line):
            self._url = f"http://127.0.0.1:{found[1]}"
        try:
            record = json.loads(line)
        except ValueError:
            self.output.append(line)
        else:
            self.records.append(record)
