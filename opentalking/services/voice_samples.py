"""What a sample of a voice must be: checks, and its conversion to what cloners take."""

import io

import numpy as np

from opentalking.audio.decode import decode_audio
from opentalking.audio.wav import wav_bytes
from opentalking.core.cloning import SAMPLE_RATE
from opentalking.core.errors import InvalidInput, TooLarge
from opentalking.core.media import Samples

MIN_BYTES = 256
MAX_SECONDS = 60.0
MIN_SOUND_SECONDS = 1.0
_WINDOW = SAMPLE_RATE // 50
_AUDIBLE = 0.003 * 32768
"""Root mean square of a window that holds sound: -50 dB below full scale."""


def sample_wav(data: bytes) -> bytes:
    """An audio file as a WAV file at `SAMPLE_RATE`, mono; blocking.

    Raises `InvalidInput` for what is no audio, longer than 60 s, or has less than 1 s of sound in it.
    """
    try:
        pcm = np.concatenate(list(decode_audio(io.BytesIO(data), SAMPLE_RATE, max_seconds=MAX_SECONDS)))
    except TooLarge as error:
        raise InvalidInput(
            f"audio is longer than {MAX_SECONDS:g} s; send 10 to 20 s of one person speaking"
        ) from error
    sound = sound_seconds(pcm)
    if sound < MIN_SOUND_SECONDS:
        raise InvalidInput(
            f"audio holds {sound:.1f} s of sound, at least {MIN_SOUND_SECONDS:g} s is needed; "
            "send 10 to 20 s of one person speaking"
        )
    return wav_bytes(pcm, SAMPLE_RATE)


def sound_seconds(pcm: Samples) -> float:
    """How much of `pcm` (mono int16 at `SAMPLE_RATE`) is not silence, in steps of 20 ms."""
    whole = pcm[: len(pcm) // _WINDOW * _WINDOW].reshape(-1, _WINDOW).astype(np.float64)
    return float(np.sum(np.sqrt(np.mean(whole**2, axis=1)) > _AUDIBLE)) * _WINDOW / SAMPLE_RATE
