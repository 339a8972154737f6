"""What a job films: scenes of speech, one after another, with the idle face between them."""

import wave
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Protocol

import numpy as np

from opentalking.core.media import I420, MEDIA_RATE, SAMPLES_PER_FRAME, Speech
from opentalking.core.providers import Face
from opentalking.media.said import SaidPiece, SaidTurn, read_pieces, read_turns

SOUND_FILE = "sound.wav"
SAID_FOLDER = "said"
PAUSE_FRAMES = 15
"""0.6 s with the idle face between two things said, however long it was."""
_IDLE_MEMORY_BYTES = 200_000_000


class Scene(Protocol):
    """One stretch of speech."""

    @property
    def frames(self) -> int:
        """About how many frames it lasts, without the tail."""
        ...

    def pieces(self) -> Iterator[SaidPiece]:
        """Its speech, read as it is asked for; blocking."""
        ...


@dataclass(frozen=True, slots=True)
class SaidScene:
    """One turn of a session, as far as it was heard."""

    folder: Path
    turn: SaidTurn

    @property
    def frames(self) -> int:
        """See `Scene`."""
        return -(-self.turn.heard_samples // SAMPLES_PER_FRAME)

    def pieces(self) -> Iterator[SaidPiece]:
        """See `Scene`."""
        return read_pieces(self.folder, self.turn)


@dataclass(frozen=True, slots=True)
class SoundScene:
    """A WAV file: mono, 16 bit, `MEDIA_RATE`."""

    path: Path

    @property
    def frames(self) -> int:
        """See `Scene`."""
        with wave.open(str(self.path), "rb") as sound:
            return -(-sound.getnframes() // SAMPLES_PER_FRAME)

    def pieces(self) -> Iterator[SaidPiece]:
        """A second each; only the end is the end of a sentence."""
        with wave.open(str(self.path), "rb") as sound:
            count, start = sound.getnframes(), 0
            while start < count:
                pcm = np.frombuffer(sound.readframes(MEDIA_RATE), "<i2").astype(np.int16)
                if not len(pcm):
                    return
                ends = start + len(pcm) >= count
                yield SaidPiece(Speech(pcm, MEDIA_RATE, ends_sentence=ends), start, False)
                start += len(pcm)


def scenes_of(folder: Path) -> list[Scene]:
    """The scenes of a job's working folder: its sound file, else what was said."""
    if (folder / SOUND_FILE).is_file():
        return [SoundScene(folder / SOUND_FILE)]
    said = folder / SAID_FOLDER
    return [SaidScene(said, turn) for turn in read_turns(said)]


class IdleFrames:
    """A face's idle loop from any place in it; kept in memory unless that is too much."""

    def __init__(self, face: Face) -> None:
        self._face = face
        self._kept: list[I420] = []
        self._length = 0

    def take(self, position: int, count: int) -> list[I420]:
        """`count` frames from `position` on (any whole number: the loop has no end); blocking."""
        start = position % self.length
        numbers = [(start + offset) % self.length for offset in range(count)]
        if self._kept:
            return [self._kept[number] for number in numbers]
        some = islice(self._face.idle_frames(), max(numbers) + 1)
        painted = {number: frame for number, frame in enumerate(some) if number in numbers}
        return [painted[number] for number in numbers]

    @property
    def length(self) -> int:
        """How many frames the loop has; the first question paints them all."""
        if not self._length:
            size = 0
            for frame in self._face.idle_frames():
                self._length += 1
                size += frame.nbytes
                if size <= _IDLE_MEMORY_BYTES:
                    self._kept.append(frame)
            if size > _IDLE_MEMORY_BYTES:
                self._kept.clear()
        return self._length
