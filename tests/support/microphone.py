"""Recordings for a browser's fake microphone, and when in them somebody speaks.

tape = Tape()
tape.pause(0.5)
question = tape.say(clip)
tape.noise("cough")
tape.write(path)
"""

import asyncio
import wave
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import httpx
import numpy as np
from prometheus_client.parser import text_string_to_metric_families

from apps.cli.bench.clips import Clip, read_librivox, wav_clip
from opentalking.audio.resample import resample
from opentalking.core.media import MEDIA_RATE, Samples
from tests.support.noises import RATE, noise

TAIL_SECONDS = 60.0
"""Silence at the end: Chromium repeats the last moments of a file for ever."""
ROOM_LEVEL = 10.0
"""No room is quite silent."""


@dataclass(frozen=True)
class Piece:
    """Something in a recording; `begin` and `end` are those of the speech itself, seconds from its start."""

    text: str
    begin: float
    end: float


class Tape:
    """Mono sound at 48 kHz, put together piece by piece."""

    def __init__(self) -> None:
        self.pieces: list[Piece] = []
        self._sound: list[Samples] = []
        self._samples = 0

    @property
    def seconds(self) -> float:
        """How long it is so far."""
        return self._samples / RATE

    @property
    def sound(self) -> Samples:
        """All of it so far, at 16 kHz."""
        return np.concatenate(self._sound)

    @property
    def texts(self) -> list[str]:
        """What is said in it."""
        return [piece.text for piece in self.pieces]

    def pause(self, seconds: float) -> None:
        """Nothing but the room."""
        self._add(np.zeros(round(seconds * RATE), np.int16))

    def say(self, clip: Clip) -> Piece:
        """Somebody says something."""
        piece = Piece(clip.text, self.seconds + clip.begin, self.seconds + clip.end)
        self.pieces.append(piece)
        self._add(clip.pcm)
        return piece

    def noise(self, name: str, gain: float = 1.0) -> None:
        """Four seconds of one of the sounds of `tests.support.noises`."""
        self._add(noise(name, gain))

    def write(self, path: Path) -> None:
        """Write a WAV that begins with this and goes on with silence."""
        tail = self._in_room(np.zeros(round(TAIL_SECONDS * RATE), np.int16))
        sound = resample(np.concatenate([*self._sound, tail]), RATE, MEDIA_RATE)
        with wave.open(str(path), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(MEDIA_RATE)
            file.writeframes(sound.astype("<i2").tobytes())

    def _add(self, pcm: Samples) -> None:
        self._sound.append(self._in_room(pcm))
        self._samples += len(pcm)

    def _in_room(self, pcm: Samples) -> Samples:
        room = np.random.default_rng(self._samples).normal(0.0, ROOM_LEVEL, len(pcm))
        return np.clip(pcm + room, -32768, 32767).astype(np.int16)


def reader() -> list[Clip]:
    """Five sentences of a human reader."""
    clips = read_librivox()
    assert len(clips) == 5
    return clips


async def spoken(url: str, text: str, voice: str) -> Clip:
    """A text said by one of a server's own voices."""
    async with httpx.AsyncClient(base_url=url, timeout=60.0) as http:
        reply = await http.post("/tts/preview", json={"text": text, "voice": voice})
    assert reply.status_code == 200, reply.text
    return await asyncio.to_thread(wav_clip, reply.content, text)


async def barge_ins(url: str) -> Counter[str]:
    """How often a server's answers were "ducked", "resumed" and "interrupted" by a voice so far."""
    async with httpx.AsyncClient(base_url=url, timeout=10.0) as http:
        text = (await http.get("/metrics")).text
    counted: Counter[str] = Counter()
    for family in text_string_to_metric_families(text):
        if family.name == "opentalking_barge_ins":
            counted.update({sample.labels["outcome"]: int(sample.value) for sample in family.samples})
    return counted
