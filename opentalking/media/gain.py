"""The loudness of the outgoing voice: full, or ducked while somebody talks into it."""

from collections.abc import Callable
from functools import cache

import numpy as np
from numpy.typing import NDArray

from opentalking.core.media import SAMPLES_PER_PACKET, Samples

DUCKED_GAIN = 0.1
"""-20 dB."""
_UNDUCK_PACKETS = 4
"""80 ms back to full loudness."""
_MOST_SKIPPED_TOLD = 100
"""Of skipped ticks the reference is told 2 s at most: no echo lasts longer."""


class VoiceGain:
    """Fades the voice to -20 dB within one packet, and back to full loudness within 80 ms.

    The fade is half a period of a cosine, so neither the sound nor its loudness jumps. Time goes by
    with `apply`, also in silence; at full loudness it hands the sound on untouched.
    """

    def __init__(self) -> None:
        self.is_ducked = False
        """What the loudness is, or is on its way to."""
        self._raised = 1.0
        """How far up the fade is: 0 ducked, 1 full."""

    def apply(self, samples: Samples | None) -> Samples | None:
        """One packet (960 samples; None is silence) at its loudness; never written to."""
        before = self._raised
        if before == 1.0 and not self.is_ducked:
            return samples
        self._raised = 0.0 if self.is_ducked else min(1.0, before + 1 / _UNDUCK_PACKETS)
        if samples is None:
            return None
        faded: Samples = np.rint(samples * _fade(before, self._raised)).astype(np.int16)
        return faded


@cache
def _fade(start: float, end: float) -> NDArray[np.float32]:
    """The gain of each sample of a packet between two places of the fade (nine such pairs)."""
    raised = np.linspace(start, end, SAMPLES_PER_PACKET + 1)[1:]
    gain = DUCKED_GAIN + (1 - DUCKED_GAIN) * (1 - np.cos(np.pi * raised)) / 2
    return gain.astype(np.float32)


class OutgoingVoice:
    """The part of an output that others may duck, and listen to."""

    def __init__(self) -> None:
        self._gain = VoiceGain()
        self.reference: Callable[[Samples | None], None] | None = None
        """Told on each tick what goes out, as loud as it does (None: silence); neither blocks nor raises."""

    def duck(self) -> None:
        """Fade the voice to -20 dB within one packet, and keep it there over turns until `unduck`."""
        self._gain.is_ducked = True

    def unduck(self) -> None:
        """Fade the voice back to full loudness within 80 ms."""
        self._gain.is_ducked = False

    def _faded(self, samples: Samples | None) -> Samples | None:
        return self._gain.apply(samples)

    def _tell(self, samples: Samples | None) -> None:
        if self.reference is not None:
            self.reference(samples)

    def _tell_skipped(self, ticks: int) -> None:
        for _ in range(min(ticks, _MOST_SKIPPED_TOLD)):
            self._tell(None)
