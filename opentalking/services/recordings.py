"""Recordings: commands to the worker that makes them, and the finished files."""

import asyncio
from pathlib import Path
from typing import Literal, NoReturn

from opentalking.core.commands import GetRecording, Recorded, RecordingCommand, StartRecording, StopRecording
from opentalking.core.errors import NotFound
from opentalking.core.ports import CommandBus, SessionStore
from opentalking.core.recordings import RecordingFiles
from opentalking.core.sessions import SessionState

COMMAND_SECONDS = 10.0
_NOT_READY = "recording not ready"


class RecordingService:
    """Begins and ends recordings, and finds their files below `root`, where the workers write them.

    Common errors: `NotFound` when there is no such session, `Conflict` when its state does not
    allow the request, `Unavailable` when its worker is gone or cannot write.
    """

    def __init__(self, store: SessionStore, commands: CommandBus, root: Path) -> None:
        self._store, self._bus, self._root = store, commands, root

    async def start(self, session_id: str) -> None:
        """Begin a recording; the one before is dropped."""
        await self._call(StartRecording(session_id=session_id))

    async def stop(self, session_id: str) -> None:
        """End the recording; returns when its file is complete. Fine when there is none."""
        await self._call(StopRecording(session_id=session_id))

    async def status(self, session_id: str) -> Recorded:
        """How the recording stands."""
        return await self._call(GetRecording(session_id=session_id))

    async def file(self, session_id: str, kind: Literal["mp4", "vtt"]) -> Path:
        """The finished film, or its subtitles; `NotFound` while there is none."""
        recorded = await self.status(session_id)
        files = RecordingFiles(self._root, session_id)
        path = files.film if kind == "mp4" else files.subtitles
        if recorded.state != "complete" or not await asyncio.to_thread(path.is_file):
            raise NotFound(_NOT_READY)
        return path

    async def _call(self, command: RecordingCommand) -> Recorded:
        record = await self._store.get(command.session_id)
        if record is None or record.state is SessionState.CLOSING:
            raise NotFound("session not found")
        reply = await self._bus.call(command, COMMAND_SECONDS)
        return reply if isinstance(reply, Recorded) else _unexpected(reply)


def _unexpected(reply: object) -> NoReturn:
    raise TypeError(f"a worker answered with {type(reply).__name__}")
