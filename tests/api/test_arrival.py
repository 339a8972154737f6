"""Requests take effect in the order in which they arrived, also while their sound is still being read."""

import asyncio
import io
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from opentalking.audio.wav import wav_bytes
from opentalking.core.errors import Conflict
from opentalking.providers.fake import ScriptedListener
from opentalking.services.recognition import Wanted
from tests.api.harness import new_session
from tests.api.live import LiveApi
from tests.engine.test_hearing import SECOND


class SlowFile(io.BytesIO):
    """A file whose reading waits until `may_go` is set."""

    def __init__(self) -> None:
        super().__init__(wav_bytes(SECOND, 16_000))
        self.is_read = threading.Event()
        self.may_go = threading.Event()

    def read(self, size: int | None = -1, /) -> bytes:
        self.is_read.set()
        assert self.may_go.wait(10)
        return super().read(size)


def _play(api: LiveApi, session_id: str, file: SlowFile) -> Awaitable[object]:
    return api.services.playing.play_file(session_id, file)


def _answer(api: LiveApi, session_id: str, file: SlowFile) -> Awaitable[object]:
    return api.services.recognition.recognise(session_id, file, Wanted(answer=True))


def _transcribe(api: LiveApi, session_id: str, file: SlowFile) -> Awaitable[object]:
    return api.services.recognition.recognise(session_id, file, Wanted())


@pytest.mark.parametrize("use", [_play, _answer, _transcribe])
async def test_an_interrupt_reaches_a_file_that_is_being_read(
    tmp_path: Path, use: Callable[[LiveApi, str, SlowFile], Awaitable[object]]
) -> None:
    api = LiveApi(tmp_path, {"local": ScriptedListener("what time is it", name="local")})
    async with api.client() as client:
        session_id = await new_session(client)
        file = SlowFile()
        using = asyncio.ensure_future(use(api, session_id, file))
        assert await asyncio.to_thread(file.is_read.wait, 10)
        assert (await client.post(f"/sessions/{session_id}/interrupt")).status_code == 200
        file.may_go.set()
        with pytest.raises(Conflict, match="interrupted"):
            await using
        # and not what comes after it
        answer = await client.post(f"/sessions/{session_id}/speak", json={"text": "One."})
        assert answer.status_code == 200
