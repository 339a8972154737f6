"""Silero VAD and Smart Turn as a child process.

Operation `activity`: whether somebody speaks. Data is `state` bytes (payload) of what the network remembers
of this sound (none: nothing yet), then mono int16 at 16 kHz: the 64 samples before the frames and a whole
number of frames of `VAD_FRAME_SAMPLES`. The one part's data is the probability of each frame as float32,
then what the network remembers now; its header's `state` is the length of that in bytes. Nothing of a sound
stays here: a child that dies loses nothing, and sounds cannot mix.

Operation `end_of_turn`: data is mono int16 at 16 kHz, of which the last 8 s are heard. The one part's header
has the `probability` that the speaker has finished.
"""

from collections.abc import Generator

import numpy as np

from opentalking.core.media import Samples
from opentalking.core.providers import VAD_FRAME_SAMPLES
from opentalking.inference.child import Engine, EngineError, Request, serve
from opentalking.inference.framing import Json, Part
from opentalking.inference.silero import Silero, SileroState
from opentalking.inference.smart_turn import SmartTurn

_NOTHING = SileroState()
_CONTEXT_SAMPLES = len(_NOTHING.context)
_MEMORY_BYTES = _NOTHING.hidden.nbytes + _NOTHING.cell.nbytes


class Ears:
    """Both networks, one thread for each request."""

    def __init__(self) -> None:
        self._silero = Silero()
        self._smart_turn = SmartTurn()

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

    def end_of_turn(self, request: Request) -> Generator[Part, None, None]:
        """Handler of `end_of_turn`."""
        pcm = np.frombuffer(request.data, np.int16)
        yield Part({"probability": self._smart_turn.probability(pcm, request)})


def _remembered(memory: bytes, context: Samples) -> SileroState:
    heard = np.asarray(context, np.float32) / np.float32(32768)
    if not memory:
        return SileroState(heard)
    shape = _NOTHING.hidden.shape
    hidden, cell = np.frombuffer(memory, np.float32).reshape(2, *shape)
    return SileroState(heard, hidden, cell)


def load(settings: Json) -> Engine:
    """Load both networks."""
    ears = Ears()
    return Engine({"activity": ears.activity, "end_of_turn": ears.end_of_turn})


if __name__ == "__main__":
    serve(load)
