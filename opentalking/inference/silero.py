"""Silero VAD v6: whether somebody speaks, 32 ms at a time; for engines, in their own processes.

Model and windowing: https://github.com/snakers4/silero-vad. A frame is heard with the 64 samples before it,
and the two states of an LSTM go from frame to frame.
"""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import opentalking
from opentalking.core.media import Samples
from opentalking.core.providers import VAD_FRAME_SAMPLES
from opentalking.inference.child import EngineError
from opentalking.inference.runtime import open_session

WEIGHTS = Path(opentalking.__file__).parent / "assets" / "models" / "silero_vad_v6.onnx"
_CONTEXT_SAMPLES = 64
_STATE_SHAPE = (1, 1, 128)


def _no_context() -> NDArray[np.float32]:
    return np.zeros(_CONTEXT_SAMPLES, np.float32)


def _no_memory() -> NDArray[np.float32]:
    return np.zeros(_STATE_SHAPE, np.float32)


@dataclass(frozen=True, slots=True)
class SileroState:
    """What the network remembers of one stream of sound; a new one has heard nothing."""

    context: NDArray[np.float32] = field(default_factory=_no_context)
    hidden: NDArray[np.float32] = field(default_factory=_no_memory)
    cell: NDArray[np.float32] = field(default_factory=_no_memory)


class Silero:
    """The network; any number of streams may share it, from several threads."""

    def __init__(self, threads: int = 1) -> None:
        try:
            self._session = open_session(WEIGHTS.read_bytes(), threads)
        except Exception as error:  # onnxruntime raises nothing narrower
            raise EngineError(f"Silero VAD cannot be loaded from {WEIGHTS}: {error}") from error

    def probabilities(
        self, pcm: Samples, state: SileroState | None = None
    ) -> tuple[NDArray[np.float32], SileroState]:
        """The probability of speech (0..1) of each frame of `VAD_FRAME_SAMPLES`, and the state after them.

        `pcm` is mono int16 at 16 kHz, a whole number of frames (`ValueError` if not), perhaps none; it goes
        on where `state` was left. Shape of the probabilities (len(pcm) // VAD_FRAME_SAMPLES,), float32.
        """
        state = state or SileroState()
        if len(pcm) % VAD_FRAME_SAMPLES:
            raise ValueError(f"{len(pcm)} samples are no whole number of frames")
        if not len(pcm):
            return np.zeros(0, np.float32), state
        sound = np.concatenate([state.context, pcm.astype(np.float32) / 32768])
        views = np.lib.stride_tricks.sliding_window_view(sound, _CONTEXT_SAMPLES + VAD_FRAME_SAMPLES)
        frames = np.ascontiguousarray(views[::VAD_FRAME_SAMPLES])
        speech, hidden, cell = self._session.run(
            ["speech_probs", "hn", "cn"], {"input": frames, "h": state.hidden, "c": state.cell}
        )
        after = SileroState(sound[-_CONTEXT_SAMPLES:], hidden, cell)
        return np.asarray(speech, np.float32).reshape(-1), after
