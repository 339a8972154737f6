"""Human speech with known phones, at the session's rate."""

import json
import wave
from pathlib import Path

import numpy as np
import soxr
from numpy.typing import NDArray

from opentalking.core.media import MEDIA_RATE
from training.lips.evaluate import Spoken, read_human
from training.lips.labels import RATE

LIBRIVOX = Path(__file__).parents[1] / "data" / "librivox"


def human_speech() -> list[Spoken]:
    """Five utterances of a LibriVox reader whom the lip network has never heard; 25 s."""
    return read_human(LIBRIVOX)


def at_media_rate(pcm: NDArray[np.int16]) -> NDArray[np.int16]:
    return np.asarray(soxr.resample(pcm, RATE, MEDIA_RATE), np.int16)


def librivox_words() -> list[tuple[NDArray[np.int16], list[tuple[str, int, int]]]]:
    """The same utterances at 16 kHz, and each word with its first sample and the one behind its last."""
    found = []
    for path in sorted(LIBRIVOX.glob("*.wav")):
        with wave.open(str(path)) as file:
            pcm = np.frombuffer(file.readframes(file.getnframes()), np.int16)
            rate = file.getframerate()
        marks = json.loads(path.with_suffix(".phone.json").read_text(encoding="utf-8"))["w"]
        words = [
            (mark["t"].split("(")[0], round(mark["b"] * rate), round((mark["b"] + mark["d"]) * rate))
            for mark in marks
            if mark["t"][0] not in "<[+"
        ]
        found.append((pcm, words))
    return found


def readings() -> list[tuple[NDArray[np.int16], str]]:
    """The same utterances at 16 kHz, each with its words."""
    return [(pcm, " ".join(word for word, _, _ in words)) for pcm, words in librivox_words()]
