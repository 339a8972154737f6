"""Sound to see whether pictures keep in step: clicks at known times."""

import io
import wave
from itertools import pairwise
from pathlib import Path

import numpy as np

from opentalking.audio.wav import wav_bytes
from opentalking.core.media import Samples
from tests.support.films import Film, read_film

MUSIC_RATE = 16_000


def click_file(seconds: float, *at_seconds: float) -> bytes:
    """A WAV file: silence with a click of 2 ms at each of the times."""
    pcm = np.zeros(int(seconds * MUSIC_RATE), np.int16)
    for at in at_seconds:
        start = int(at * MUSIC_RATE)
        pcm[start : start + MUSIC_RATE // 500] = 20_000
    return wav_bytes(pcm, MUSIC_RATE)


def offsets(film: Film) -> list[float]:
    """Seconds by which each flash is seen after its click is heard."""
    flashes, clicks = film.flashes(), film.clicks()
    assert len(flashes) == len(clicks), f"{flashes} seen, {clicks} heard"
    return [seen - heard for seen, heard in zip(flashes, clicks, strict=True)]


def film_of(data: bytes, folder: Path) -> Film:
    """A downloaded film, decoded; its pictures must be 40 ms apart from second 0 on."""
    path = folder / "downloaded.mp4"
    path.write_bytes(data)
    film = read_film(path)
    assert abs(film.times[0]) < 0.001
    assert all(abs(two - one - 0.04) < 0.001 for one, two in pairwise(film.times))
    return film


def read_wav(data: bytes) -> tuple[int, int, int, Samples]:
    """Channels, bytes per sample, rate and samples of a WAV file."""
    with wave.open(io.BytesIO(data), "rb") as file:
        pcm = np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(np.int16)
        return file.getnchannels(), file.getsampwidth(), file.getframerate(), pcm
