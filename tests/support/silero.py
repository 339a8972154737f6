"""Silero VAD as a session hears with it."""

from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from opentalking.core.media import Samples
from opentalking.core.providers import VAD_FRAME_SAMPLES

MODEL = Path(__file__).parents[2] / "opentalking" / "assets" / "models" / "silero_vad_v6.onnx"
_CONTEXT = 64


class Silero:
    """The probability of speech in frames of 32 ms."""

    def __init__(self) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(MODEL, options)

    def probabilities(self, pcm: Samples) -> NDArray[np.float64]:
        """Of each whole frame of the 16 kHz sound, from silence on."""
        wave = pcm[: len(pcm) // VAD_FRAME_SAMPLES * VAD_FRAME_SAMPLES].astype(np.float32) / 32768
        frames = wave.reshape(-1, VAD_FRAME_SAMPLES)
        before = np.zeros_like(frames[:, -_CONTEXT:])
        before[1:] = frames[:-1, -_CONTEXT:]
        state = {name: np.zeros((1, 1, 128), np.float32) for name in "hc"}
        heard = []
        for frame in np.concatenate([before, frames], axis=1):
            probability, state["h"], state["c"] = self._session.run(None, {"input": frame[None], **state})
            heard.append(float(np.ravel(probability)[0]))
        return np.array(heard)


def runs(probabilities: NDArray[np.float64], threshold: float = 0.6, frames: int = 7) -> list[int]:
    """Where `frames` frames in a row above the threshold are complete, once for each such stretch."""
    found, count = [], 0
    for index, probability in enumerate(probabilities):
        count = count + 1 if probability > threshold else 0
        if count == frames:
            found.append(index)
    return found
