"""Sound of the client's own: it reaches a real peer as it is, and the face moves with it."""

import asyncio
import json
import time
import wave
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from itertools import groupby, pairwise
from pathlib import Path

import numpy as np
import pytest
import pytest_asyncio
from numpy.typing import NDArray
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosedOK

from opentalking.audio.resample import resample
from opentalking.core.media import Samples
from tests.support.api_client import ApiSession
from tests.support.audio_files import KINDS, encode
from tests.support.figures import Measured
from tests.support.heard_events import labels
from tests.support.rtc_client import Picture, RtcClient
from tests.support.senses import DEMO_MOUTH
from tests.support.server import RunningServer

RATE = 16_000
SPEECH = Path(__file__).parents[1] / "data" / "librivox"
PLAYED = [
    "speech.started",
    "status speaking",
    "speech.media_started",
    "frame",
    "speech.ended",
    "status idle",
]


def speech(number: str) -> Samples:
    """A person who reads, mono at 16 kHz."""
    with wave.open(str(SPEECH / f"sense_and_sensibility_01_austen_64kb-{number}.wav")) as file:
        assert file.getframerate() == RATE
        return np.frombuffer(file.readframes(file.getnframes()), np.int16)


@pytest_asyncio.fixture(loop_scope="session")
async def client() -> AsyncIterator[RtcClient]:
    async with RtcClient() as client:
        yield client


@pytest_asyncio.fixture(loop_scope="session")
async def session(server: RunningServer, client: RtcClient) -> AsyncIterator[ApiSession]:
    async with ApiSession(server.url) as session:
        await session.connect(client)
        yield session


def heard(client: RtcClient, since: float) -> Samples:
    """What the client has heard since then, at 16 kHz."""
    return resample(np.concatenate([part.samples for part in client.sound if part.at >= since]), 48_000, RATE)


def likeness(source: Samples, sound: Samples) -> float:
    """How well every loud half second of the source is found in the sound (median correlation, 0..1)."""
    size = RATE // 2
    found = []
    for start in range(0, len(source) - size, size):
        part = source[start : start + size].astype(np.float64)
        if np.abs(part).mean() < 300:
            continue
        length = len(sound) + size
        dots = np.fft.irfft(np.fft.rfft(sound, length) * np.conj(np.fft.rfft(part, length)), length)
        energy = np.cumsum(np.square(np.append(0.0, sound.astype(np.float64))))
        places = len(sound) - size
        norms = np.sqrt(np.maximum(energy[size : size + places] - energy[:places], 1e6))
        found.append(float((dots[:places] / (norms * np.linalg.norm(part))).max()))
    return float(np.median(found))


def movement(pictures: Sequence[Picture]) -> float:
    """Mean change of the mouth from picture to picture, in grey levels."""
    mouths = [_mouth(picture.i420) for picture in pictures if picture.i420 is not None]
    return float(np.mean([np.abs(b - a).mean() for a, b in pairwise(mouths)]))


def _mouth(i420: NDArray[np.uint8]) -> NDArray[np.float32]:
    height, width = i420.shape[0] * 2 // 3, i420.shape[1]
    x, y, wide, high = DEMO_MOUTH
    rows = slice(int(y * height), int((y + high) * height))
    return i420[rows, int(x * width) : int((x + wide) * width)].astype(np.float32)


async def test_an_mp3_is_heard_and_moves_the_lips(
    session: ApiSession, client: RtcClient, measured: Measured
) -> None:
    source = speech("0890")
    mp3 = encode(source, RATE, KINDS["mp3"])
    await client.until(lambda: len(client.pictures) > 40)
    idle = movement(client.pictures[-35:])
    began = time.monotonic()
    answer = await session.http.post(
        f"/sessions/{session.id}/speak_flashtalk_audio", files={"file": ("speech.mp3", mp3, "audio/mpeg")}
    )
    assert answer.status_code == 200, answer.text
    turn = answer.json()["turn_id"]
    events = await session.ended(turn)
    told = [event for event in events if event.name != "turn.metrics"]  # comes just after the end
    assert [label for label, _ in groupby(labels(told))] == PLAYED
    assert [event.data["text"] for event in events if event.name == "speech.started"] == [""]
    at = {event.label: event.at for event in events}
    await asyncio.sleep(0.5)
    likely = likeness(source, heard(client, began))
    moved = movement([p for p in client.pictures if at["speech.media_started"] < p.at < at["speech.ended"]])
    measured("played MP3: likeness of what was heard", round(likely, 3))
    measured("played MP3: upload to first sound, ms", round((at["speech.media_started"] - began) * 1000))
    measured("played MP3: movement of the mouth, idle and speaking", (round(idle, 2), round(moved, 2)))
    assert likely > 0.6
    assert likeness(speech("0870"), heard(client, began)) < 0.4, "it is not another speech"
    assert moved > 3 * idle


async def test_streamed_speech_is_heard_at_once_and_may_be_interrupted(
    server: RunningServer, session: ApiSession, client: RtcClient, measured: Measured
) -> None:
    source = speech("0880")
    address = f"{server.url.replace('http', 'ws', 1)}/sessions/{session.id}/speak_audio_stream"
    async with connect(address) as socket:
        await socket.send(json.dumps({"type": "config", "sample_rate": RATE}))
        assert json.loads(await socket.recv()) == {"type": "ack"}
        await stream(socket.send, speech("0890")[: 2 * RATE])
        first = (await session.event("speech.started")).turn_id
        await socket.send(json.dumps({"type": "interrupt"}))
        interrupted = await session.event("speech.ended", first)
        assert interrupted.data["reason"] == "interrupted"
        began = time.monotonic()
        await stream(socket.send, source)
        await socket.send(json.dumps({"type": "eos"}))
        with pytest.raises(ConnectionClosedOK):
            await asyncio.wait_for(socket.recv(), 10)
        assert socket.close_code == 1000
        closed = time.monotonic()
    [_, second] = [event.turn_id for event in session.events if event.name == "speech.started"]
    assert second is not None
    events = await session.ended(second)
    at = {event.label: event.at for event in events}
    assert next(e.data["reason"] for e in events if e.name == "speech.ended") == "completed"
    assert closed >= at["speech.ended"] - 0.3, "closed when all was played"
    likely = likeness(source, heard(client, began))
    latency = at["speech.media_started"] - began
    measured("streamed speech: likeness of what was heard", round(likely, 3))
    measured("streamed speech: first chunk to first sound and picture, ms", round(latency * 1000))
    assert likely > 0.6
    moved = [p for p in client.pictures if at["speech.media_started"] < p.at < at["speech.ended"]]
    assert movement(moved) > 1.0


async def stream(send: Callable[[bytes], Awaitable[None]], pcm: Samples) -> None:
    """Send 20 ms at a time, at the pace of speech."""
    size = RATE // 50
    began = time.monotonic()
    for number, start in enumerate(range(0, len(pcm), size)):
        await send(pcm[start : start + size].astype("<i2").tobytes())
        await asyncio.sleep(max(0.0, began + (number + 1) * 0.02 - time.monotonic()))
