"""A loudspeaker beside a microphone: a client hears its own avatar again, for measurements of echo."""

from collections import deque

import numpy as np

from opentalking.core.media import SAMPLES_PER_PACKET, Samples
from opentalking.rtc.opus import OpusDecoder

_AHEAD_PACKETS = 4
_MOST_AHEAD_PACKETS = 12


class Loudspeaker:
    """Plays received packets 80 ms after they came; `level_db` is how much louder the microphone hears them.

    What has not come in time is silence; of more than 240 ms the oldest is dropped, as browsers skip.
    """

    def __init__(self, level_db: float) -> None:
        self._gain = 10 ** (level_db / 20)
        self._decoder = OpusDecoder()
        self._waiting: deque[Samples] = deque(maxlen=_MOST_AHEAD_PACKETS)
        self._is_playing = False

    def play(self, payload: bytes) -> None:
        """One packet of Opus as it arrives."""
        for sound in self._decoder.decode(payload):
            self._waiting.append(np.clip(sound * self._gain, -32768, 32767).astype(np.int16))
        self._is_playing = self._is_playing or len(self._waiting) >= _AHEAD_PACKETS

    def heard(self) -> Samples | None:
        """The next 20 ms at the microphone, shape (960,) at 48 kHz; None: silence."""
        if not self._is_playing or not self._waiting:
            self._is_playing = False
            return None
        sound = self._waiting.popleft()
        return sound if len(sound) == SAMPLES_PER_PACKET else None
