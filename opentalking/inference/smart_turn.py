"""Smart Turn v3.2: whether a speaker has finished; for engines, in their own processes.

A Whisper encoder with a small head, trained on the last 8 s of what somebody said up to a pause. Its input:
https://github.com/pipecat-ai/smart-turn (`WhisperFeatureExtractor(chunk_length=8)` with `do_normalize`).
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import opentalking
from opentalking.audio.log_mel import FRAMES_PER_SECOND, RATE, mel_levels
from opentalking.core.media import Samples
from opentalking.inference.child import EngineError, Request
from opentalking.inference.runtime import open_session, run

WEIGHTS = Path(opentalking.__file__).parent / "assets" / "models" / "smart_turn_v3.2.onnx"
HEARD_SECONDS = 8
_HEARD_SAMPLES = HEARD_SECONDS * RATE
_HALF_WINDOW_SAMPLES = 200
_LEAST_VARIANCE = 1e-7


def features(pcm: Samples) -> NDArray[np.float32]:
    """Whisper's log-mel spectrogram of the last 8 s of `pcm` (mono int16, 16 kHz), shape (80, 800), float32.

    A shorter `pcm` follows silence. All of the 8 s are brought to mean 0 and variance 1.
    """
    sound = np.zeros(_HEARD_SAMPLES, np.float32)
    heard = pcm[-_HEARD_SAMPLES:]
    sound[_HEARD_SAMPLES - len(heard) :] = heard.astype(np.float32) / 32768
    level = (sound - sound.mean()) / np.sqrt(sound.var() + _LEAST_VARIANCE)
    padded = np.pad(level, _HALF_WINDOW_SAMPLES, mode="reflect")
    return mel_levels(padded, HEARD_SECONDS * FRAMES_PER_SECOND)


class SmartTurn:
    """The network; safe for several threads."""

    def __init__(self, threads: int = 1) -> None:
        try:
            self._session = open_session(WEIGHTS.read_bytes(), threads)
        except Exception as error:  # onnxruntime raises nothing narrower
            raise EngineError(f"Smart Turn cannot be loaded from {WEIGHTS}: {error}") from error

    def probability(self, pcm: Samples, request: Request | None = None) -> float:
        """The probability (0..1) that the speaker has finished where `pcm` ends.

        `pcm` is mono int16 at 16 kHz; its last 8 s count. Raises `Cancelled` once `request` is cancelled.
        """
        # The model's last node is a sigmoid, though its output is named "logits".
        [found] = run(self._session, None, {"input_features": features(pcm)[None]}, request)
        return float(found[0, 0])
