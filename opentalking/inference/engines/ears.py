"""Silero VAD as a child process.

Operation `activity`: whether somebody speaks. Data is `state` bytes (payload) of what the network remembers
of this sound (none: nothing yet), then mono int16 at 16 kHz: the 64 samples before the frames and a whole
number of frames of `VAD_FRAME_SAMPLES`. The one part's data is the probability of each frame as float32,
then what the network remembers now; its header's `state` is the length of that in bytes. Nothing of a sound
stays here: a child that dies loses nothing, and sounds cannot mix.
"""

from collections.abc import Generator

import numpy as np

from opentalking.core.media import Samples
from opentalking.core.providers import VAD_FRAME_SAMPLES
from opentalking.inference.child import Engine, EngineError, Request, serve
from opentalking.inference.framing import Json, Part
from opentalking.inference.silero import Silero, SileroState

_NOTHING = SileroState()
_CONTEXT_SAMPLES = len(_NOTHING.context)
_MEMORY_BYTES = _NOTHING.hidden.nbytes + _NOTHING.cell.nbytes


class Ears:
    """The network; all sounds share it."""

    def __init__(self) -> None:
        self._silero = Silero()

    def activity(self, request: Request) -> Generator[Part, None, None]:
        """Handler of `activity`."""
        length = request.payload["state"]
        pcm = np.frombuffer(request.data, np.int16, offset=length)
        if length not in (0, _MEMORY_BYTES) or len(pcm) % VAD_FRAME_SAMPLES != _CONTEXT_SAMPLES:
            raise EngineError(f"{length} bytes of state and {len(pcm)} samples are no frames")
        before = _remembered(request.data[:length], pcm[:_CONTEXT_SAMPLES])
        speech, after = self._silero.probabilities(pcm[_CONTEXT_SAMPLES:], before)
        memory = after.hidden.tobytes() + after.cell.tobytes()
        yield Part({"state": len(memory)}, speech.tobytes() + memory)


def _remembered(memory: bytes, context: Samples) -> SileroState:
    heard = np.asarray(context, np.float32) / np.float32(32768)
    if not memory:
        return SileroState(heard)
    shape = _NOTHING.hidden.shape
    hidden, cell = np.frombuffer(memory, np.float32).reshape(2, *shape)
    return SileroState(heard, hidden, cell)


def load(settings: Json) -> Engine:
    """Load the network."""
    return Engine({"activity": Ears().activity})


if __name__ == "__main__":
    serve(load)
