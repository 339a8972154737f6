"""Answering what is said: `speak_audio` with a `file`, and the `meta` dialect of the audio WebSocket."""

import asyncio
import io
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import httpx
import numpy as np
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from opentalking.audio.wav import wav_bytes
from opentalking.engine.config import EngineConfig
from opentalking.providers.fake import ScriptedListener
from tests.api.harness import EventReader, follow, new_session
from tests.api.live import LiveApi
from tests.support.server import eventually

SECOND = (3000 * np.sin(np.arange(16_000) / 7)).astype(np.int16)
WAV = wav_bytes(SECOND, 16_000)
ANSWER = ["transcript", "speech.started", "status", "llm"]


@pytest.fixture
def listener() -> ScriptedListener:
    return ScriptedListener("what time is it", name="local")


class Place:
    """A session of a running server, its events, and its two ways in."""

    def __init__(self, base: str, session_id: str, client: httpx.AsyncClient, events: EventReader) -> None:
        self.url = f"/sessions/{session_id}"
        self.session_id = session_id
        self.client = client
        self.events = events
        self.socket_url = f"{base.replace('http', 'ws')}{self.url}/speak_audio_stream"

    async def speak(self, files: dict[str, Any] | None = None, **data: str) -> httpx.Response:
        upload = {"file": ("question.wav", io.BytesIO(WAV), "audio/wav")}
        return await self.client.post(f"{self.url}/speak_audio", files=files or upload, data=data)

    async def state(self) -> str:
        return str((await self.client.get(self.url)).json()["state"])

    async def turn(self, turn_id: str) -> list[str]:
        """The names of the events of a turn, to its end."""
        names: list[str] = []
        while not names or names[-1] != "speech.ended":
            event = await self.events.event()
            if event.data.get("turn_id") == turn_id:
                names.append(event.event)
        return names


@asynccontextmanager
async def place(folder: Path, listener: ScriptedListener) -> AsyncIterator[Place]:
    config = EngineConfig(stt_fallback=None, recognition_seconds=0.5)
    async with (
        LiveApi(folder, {"local": listener}, config).served() as base,
        httpx.AsyncClient(base_url=base) as client,
    ):
        session_id = await new_session(client)
        async with follow(base, session_id) as events:
            await events.event()
            yield Place(base, session_id, client, events)


async def ending(socket: ClientConnection) -> tuple[dict[str, Any], int | None]:
    """The server's one message, and the code it closes with."""
    async with asyncio.timeout(10):
        message = json.loads(await socket.recv())
        with pytest.raises(ConnectionClosed):
            await socket.recv()
    return message, socket.close_code


async def test_a_question_in_a_file_is_answered(tmp_path: Path, listener: ScriptedListener) -> None:
    async with place(tmp_path, listener) as at:
        reply = await at.speak(voice="joe", stt_provider="local")
        assert reply.status_code == 200, reply.text
        body = reply.json()
        assert (body["status"], body["text"]) == ("queued", "what time is it")
        names = await at.turn(body["turn_id"])
        assert names[:4] == ANSWER
        assert "assistant.message" in names


async def test_mode_decides_whatever_the_field_is(tmp_path: Path, listener: ScriptedListener) -> None:
    async with place(tmp_path, listener) as at:
        played = await at.speak(mode="play")
        assert (played.status_code, "text" in played.json()) == (200, False), played.text
        assert listener.begun == 0
        raw = {"audio": ("a", SECOND.tobytes(), "audio/pcm")}
        assert (await at.speak(raw, mode="converse")).json()["text"] == "what time is it"
        assert (await at.speak(raw)).status_code == 200
        assert len(listener.heard) == 1


async def test_nothing_recognised_is_a_400_and_no_turn(tmp_path: Path, listener: ScriptedListener) -> None:
    listener.text = ""
    async with place(tmp_path, listener) as at:
        reply = await at.speak()
        assert (reply.status_code, "no words" in reply.json()["detail"]) == (400, True)
        async with connect(at.socket_url) as socket:
            await socket.send('{"type": "meta"}')
            await socket.send(SECOND.tobytes())
            await socket.send('{"type": "end"}')
            message, code = await ending(socket)
        assert (message["type"], message["code"], code) == ("error", "nothing_recognised", 4400)
        assert message["error"] == message["message"]
        assert await at.state() == "worker_ready"


async def test_an_interrupt_while_it_is_recognised_keeps_the_turn_away(
    tmp_path: Path, listener: ScriptedListener
) -> None:
    listener.delay_seconds = 60
    async with place(tmp_path, listener) as at:
        asking = asyncio.create_task(at.speak())
        await eventually(lambda: listener.begun == 1, "the recognition runs")
        await at.client.post(f"{at.url}/interrupt")
        assert (await asking).status_code == 409
        async with connect(at.socket_url) as socket:
            await socket.send('{"type": "meta"}')
            await socket.send(SECOND.tobytes())
            await eventually(lambda: listener.begun == 2, "the recognition runs")
            await at.client.post(f"{at.url}/interrupt")
            message, code = await ending(socket)
        assert (message["code"], code) == ("interrupted", 4409)
        assert await at.state() == "worker_ready"


async def test_words_that_do_not_come_in_time_are_given_up(
    tmp_path: Path, listener: ScriptedListener
) -> None:
    listener.delay_seconds = 60
    async with place(tmp_path, listener) as at:
        reply = await at.speak()
        assert (reply.status_code, "within 0.5 s" in reply.json()["detail"]) == (502, True)
        async with connect(at.socket_url) as socket:
            await socket.send('{"type": "meta"}')
            await socket.send(SECOND.tobytes())
            await socket.send('{"type": "end"}')
            message, code = await ending(socket)
        assert (message["code"], code) == ("stt_timeout", 4408)


@pytest.mark.parametrize("step", [640, 641, 32_001])
async def test_streamed_speech_is_recognised_and_answered(
    tmp_path: Path, listener: ScriptedListener, step: int
) -> None:
    pcm = SECOND.tobytes()
    async with place(tmp_path, listener) as at, connect(at.socket_url) as socket:
        await socket.send('{"type": "meta", "voice": "joe", "tts_model": "", "of": "later versions"}')
        for start in range(0, len(pcm), step):
            await socket.send(pcm[start : start + step])
        await socket.send('{"type": "end"}')
        message, code = await ending(socket)
        assert code == 1000
        turn_id = message.pop("turn_id")
        expected = {"session_id": at.session_id, "status": "queued", "text": "what time is it"}
        assert message == expected
        assert listener.heard == [16_000]
        assert (await at.turn(turn_id))[:4] == ANSWER


async def test_partial_transcripts_come_while_it_streams(tmp_path: Path) -> None:
    listener = ScriptedListener("hello there", name="local", partials=["hello"])
    async with place(tmp_path, listener) as at, connect(at.socket_url) as socket:
        await socket.send('{"type": "meta"}')
        await socket.send(SECOND.tobytes())
        partial = (await at.events.until("transcript"))[-1]
        assert (partial.data["text"], partial.data["is_final"]) == ("hello", False)
        await socket.send('{"type": "end"}')
        final = (await at.events.until("transcript"))[-1]
        assert (final.data["text"], final.data["is_final"]) == ("hello there", True)


@pytest.mark.parametrize(
    ("frames", "code", "said"),
    [
        (['{"type": "meta", "stt_provider": "psychic"}'], 4400, "stt_provider"),
        (['{"type": "meta", "tts_provider": "psychic"}'], 4400, "tts_provider"),
        (['{"type": "meta"}', '{"type": "meta"}'], 4400, "meta"),
        (['{"type": "meta"}', '{"type": "interrupt"}'], 4400, "interrupt"),
        (['{"type": "meta"}', "{"], 4400, "JSON"),
        (['{"type": "end"}'], 4400, "no words"),
        (['{"type": "meta"}', '{"type": "end"}'], 4400, "no words"),
        (['{"type": "meta", "stt_provider": "dashscope"}'], 1011, "dashscope"),
        (['{"type": "meta"}', *[bytes(2**20)] * 16], 4400, "came by this socket"),
    ],
)
async def test_what_has_no_place_is_refused(
    tmp_path: Path, listener: ScriptedListener, frames: list[str | bytes], code: int, said: str
) -> None:
    listener.text = ""
    async with place(tmp_path, listener) as at, connect(at.socket_url) as socket:
        for frame in frames:
            await socket.send(frame)
        message, closed_with = await ending(socket)
        assert message["type"] == "error"
        assert said in message["message"]
        assert closed_with == code
        assert await at.state() == "worker_ready"


async def test_a_socket_that_is_dropped_before_its_end_is_forgotten(
    tmp_path: Path, listener: ScriptedListener
) -> None:
    async with place(tmp_path, listener) as at:
        async with connect(at.socket_url) as socket:
            await socket.send('{"type": "meta"}')
            await socket.send(SECOND.tobytes())
            await eventually(lambda: listener.begun == 1, "the recognition runs")
        await eventually(lambda: listener.cancelled == 1, "the recognition is cancelled")
        assert await at.state() == "worker_ready"
        assert not listener.heard


async def test_a_session_that_ends_closes_its_sockets(tmp_path: Path, listener: ScriptedListener) -> None:
    async with place(tmp_path, listener) as at, connect(at.socket_url) as socket:
        await socket.send('{"type": "meta"}')
        await socket.send(SECOND.tobytes())
        await eventually(lambda: listener.begun == 1, "the recognition runs")
        await at.client.delete(at.url)
        message, code = await ending(socket)
        assert (message["code"], code) == ("not_found", 4004)


async def test_a_client_that_goes_away_is_not_answered(tmp_path: Path, listener: ScriptedListener) -> None:
    listener.delay_seconds = 60
    async with place(tmp_path, listener) as at, aiohttp.ClientSession() as leaving:
        form = aiohttp.FormData()
        form.add_field("file", WAV, filename="question.wav")
        url = str(at.client.base_url.join(f"{at.url}/speak_audio"))
        request = asyncio.create_task(leaving.post(url, data=form))
        await eventually(lambda: listener.begun == 1, "the recognition runs")
        request.cancel()
        await asyncio.wait({request})
        await eventually(lambda: listener.cancelled == 1, "the recognition is cancelled")
        assert await at.state() == "worker_ready"
