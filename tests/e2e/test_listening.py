"""It listens: a question, as a file and as a stream, is answered aloud; and an ear that dies grows back."""

import asyncio
import json
import os
import signal
import time
import wave
from collections.abc import AsyncIterator

import numpy as np
import psutil
import pytest_asyncio
from websockets.asyncio.client import connect

from opentalking.audio.wav import wav_bytes
from opentalking.core.media import MEDIA_RATE, Samples
from tests.support.api_client import ApiSession
from tests.support.figures import Measured
from tests.support.human import LIBRIVOX
from tests.support.listen import Listener, word_error_rate
from tests.support.llm_server import FakeLlm
from tests.support.rtc_client import RtcClient
from tests.support.server import RunningServer, eventually

RATE = 16_000
SAID = "He might even have been made amiable himself."


def question() -> Samples:
    """A person who says `SAID`, mono at 16 kHz."""
    with wave.open(str(LIBRIVOX / "sense_and_sensibility_01_austen_64kb-0930.wav")) as file:
        return np.frombuffer(file.readframes(file.getnframes()), np.int16)


@pytest_asyncio.fixture(loop_scope="session")
async def client() -> AsyncIterator[RtcClient]:
    async with RtcClient(keep_pictures=False) as client:
        yield client


@pytest_asyncio.fixture(loop_scope="session")
async def session(server: RunningServer, client: RtcClient, llm: FakeLlm) -> AsyncIterator[ApiSession]:
    llm.mode = "echo"
    async with ApiSession(server.url) as session:
        await session.connect(client)
        yield session


async def answer(session: ApiSession, client: RtcClient, listener: Listener, turn_id: str) -> str:
    """What the client hears of a turn."""
    events = await session.ended(turn_id)
    began = next(event.at for event in events if event.label == "speech.media_started")
    await asyncio.sleep(0.5)
    sound = np.concatenate([part.samples for part in client.sound if part.at > began - 0.3])
    return await asyncio.to_thread(
        listener.transcribe, sound.astype(np.float32) / np.float32(32768), MEDIA_RATE
    )


async def test_the_recogniser_is_loaded_before_anybody_speaks(server: RunningServer) -> None:
    events = [(record["event"], record.get("engine")) for record in server.records]
    assert events.index(("engine_started", "whisper")) < events.index(("warm", None))


async def test_a_question_in_a_file_is_answered_aloud(
    session: ApiSession, client: RtcClient, listener: Listener, llm: FakeLlm, measured: Measured
) -> None:
    asked_at = time.monotonic()
    wav = wav_bytes(question(), RATE)
    reply = await session.http.post(f"/sessions/{session.id}/speak_audio", files={"file": ("q.wav", wav)})
    measured("a question of 3.3 s: upload to text, ms", round((time.monotonic() - asked_at) * 1000))
    assert reply.status_code == 200, reply.text
    body = reply.json()
    assert word_error_rate([SAID], [body["text"]]) == 0
    heard = await answer(session, client, listener, body["turn_id"])
    assert word_error_rate([f"You asked: {SAID}"], [heard]) <= 0.2, heard
    assert llm.requests[-1].messages[-1] == ("user", body["text"])


async def test_a_spoken_question_is_answered_aloud(
    server: RunningServer, session: ApiSession, client: RtcClient, listener: Listener, measured: Measured
) -> None:
    pcm = question().astype("<i2").tobytes()
    address = f"{server.url.replace('http', 'ws', 1)}/sessions/{session.id}/speak_audio_stream"
    async with connect(address) as socket:
        await socket.send(json.dumps({"type": "meta"}))
        for start in range(0, len(pcm), 640):
            await socket.send(pcm[start : start + 640])
        ended_at = time.monotonic()
        await socket.send(json.dumps({"type": "end"}))
        message = json.loads(await asyncio.wait_for(socket.recv(), 30))
        measured("a question of 3.3 s: end to text, ms", round((time.monotonic() - ended_at) * 1000))
    assert word_error_rate([SAID], [message["text"]]) == 0
    heard = await answer(session, client, listener, message["turn_id"])
    assert word_error_rate([f"You asked: {SAID}"], [heard]) <= 0.2, heard


async def test_a_recogniser_that_dies_is_one_failure_and_hears_again(
    server: RunningServer, session: ApiSession
) -> None:
    url = f"/sessions/{session.id}/transcribe"
    short, long = ({"file": ("q.wav", wav_bytes(np.tile(question(), n), RATE))} for n in (1, 30))
    assert (await session.http.post(url, files=short)).json()["text"]
    engine = psutil.Process(server.engine_pid("whisper"))
    begin = sum(engine.cpu_times()[:2])
    failing = asyncio.create_task(session.http.post(url, files=long))
    await eventually(lambda: sum(engine.cpu_times()[:2]) > begin + 0.1, "the recogniser works")
    os.kill(engine.pid, signal.SIGKILL)
    reply = await failing
    assert (reply.status_code, "process ended" in reply.json()["detail"]) == (502, True), reply.text
    again = await session.http.post(url, files=short)
    assert word_error_rate([SAID], [again.json()["text"]]) == 0
    assert server.engine_pid("whisper") != engine.pid
