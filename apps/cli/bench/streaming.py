"""Measurements of sound that a client streams: how soon the face moves with it and it is heard."""

import asyncio
import time

import numpy as np

from apps.cli.bench.clips import RATE, Clip
from apps.cli.bench.measure import AUDIBLE_RMS, MouthBox, audible_times, first_movement, percentile
from apps.cli.bench.scenarios import SENTENCES, Figures, mouth_box
from apps.cli.bench.server import QUICK_VOICE, Subject
from opentalking.client import AsyncClient
from opentalking.core.media import FPS, PACKET_SECONDS, Samples
from opentalking.rtc.receiver import PacketClient, Received

STREAMS = 12
_SECONDS = 1.0
"""Of sound a stream sends: enough to see and hear its begin."""
_CHUNK = round(PACKET_SECONDS * RATE)
_LOUD_RMS = 5 * AUDIBLE_RMS


async def streamed(subject: Subject) -> Figures:
    """From the first chunk of streamed PCM to the first audible packet and the first moving frame.

    A socket a stream, opened and configured before; chunks of 20 ms at the pace of speech.
    """
    box = await mouth_box(subject)
    spoken = [_from_first_loud(await subject.clip(text, QUICK_VOICE)) for text in SENTENCES]
    sounds: list[float] = []
    frames: list[float] = []
    async with (
        AsyncClient(str(subject.api.base_url)) as server,
        subject.session() as session,
        subject.peer(session, keep=True) as client,
    ):
        for number in range(STREAMS):
            await client.until_pictures(client.pictures + FPS + number)
            began, received = await _stream(server, session, client, spoken[number % len(spoken)])
            heard, moved = _first(received, box, began)
            if heard and moved:
                sounds.append((heard - began) * 1000)
                frames.append((moved - began) * 1000)
    return {
        "stream_sound_ms": percentile(sounds, 0.5),
        "stream_sound_p95_ms": percentile(sounds, 0.95),
        "stream_movement_ms": percentile(frames, 0.5),
        "stream_movement_p95_ms": percentile(frames, 0.95),
        "stream_failed": STREAMS - len(sounds),
    }


async def _stream(
    server: AsyncClient, session: str, client: PacketClient, pcm: Samples
) -> tuple[float, Received]:
    """Stream a sound to its end; when its first chunk was sent, and what came until its last one was."""
    async with server.stream_audio(session, sample_rate=RATE) as stream:
        began = time.monotonic()
        for number, at in enumerate(range(0, len(pcm), _CHUNK)):
            await asyncio.sleep(max(0.0, began + number * PACKET_SECONDS - time.monotonic()))
            await stream.send(pcm[at : at + _CHUNK].astype("<i2").tobytes())
        received = Received(list(client.received.audio), list(client.received.video))
        # From here on, so that the key frame with which the turn ends begins the next one's pictures.
        client.received.clear()
        await stream.finish()
    return began, received


def _first(received: Received, box: MouthBox, began: float) -> tuple[float | None, float | None]:
    heard = next((at for at in audible_times(received) if at > began), None)
    return heard, first_movement(received, box, began)


def _from_first_loud(clip: Clip) -> Samples:
    """A second of speech that is audible from its first chunk on."""
    hops = clip.pcm[: len(clip.pcm) // _CHUNK * _CHUNK].reshape(-1, _CHUNK).astype(np.float64)
    first = int(np.argmax(np.sqrt(np.mean(np.square(hops), axis=1)) > _LOUD_RMS)) * _CHUNK
    return clip.pcm[first : first + round(_SECONDS * RATE)]
