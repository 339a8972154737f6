"""One voice on its own time line: packets in, pieces of 20 ms out, gaps filled."""

from collections.abc import Callable

import numpy as np

from opentalking.audio.concealment import PAST_SAMPLES, conceal
from opentalking.core.media import Samples
from opentalking.rtc.opus import HEARD_RATE, OPUS_PER_HEARD, OpusHearing, opus_samples
from opentalking.rtc.reorder import Ordered

PIECE_SAMPLES = HEARD_RATE // 50
LONGEST_SILENCE = HEARD_RATE
"""A voice that stays away is silent for one second; then nothing comes until it is back."""
_TIMESTAMPS = 1 << 32
_QUIET_PEAK = 328
"""-40 dBFS: below it sound may be left out."""
_LEAST_CHARGE = HEARD_RATE // 100
"""What a packet costs at least, however short: no browser sends shorter ones than 10 ms."""
_FLOOD_FACTOR = 2
_LARGEST_BURST = HEARD_RATE
"""A second of sound may come at once, after the network stood still."""


class _Allowance:
    """Lets through twice as much sound as time goes by, and a second at once."""

    def __init__(self) -> None:
        self._left = float(_LARGEST_BURST)
        self._at: float | None = None

    def refill(self, now: float) -> None:
        if self._at is not None:
            earned = max(now - self._at, 0.0) * HEARD_RATE * _FLOOD_FACTOR
            self._left = min(self._left + earned, _LARGEST_BURST)
        self._at = now

    def take(self, samples: int) -> bool:
        if samples > self._left:
            return False
        self._left -= samples
        return True

    def take_some(self, samples: int) -> int:
        taken = min(samples, max(int(self._left), 0))
        self._left -= taken
        return taken


class VoiceLine:
    """Decodes one source's packets and gives mono int16 pieces of 320 samples at 16 kHz to `on_sound`.

    Lost packets are concealed for exactly as long as they lasted, pauses in the packets are silence,
    at most 1 s of it. More than twice real time is dropped. No clock of its own: `now` in seconds.
    """

    def __init__(self, on_sound: Callable[[Samples], None]) -> None:
        self._on_sound = on_sound
        self._decoder: OpusHearing | None = None
        self._next_timestamp: int | None = None
        self._surplus = 0
        """Samples of silence given while packets were away, that their time stamps did not ask for yet."""
        self._silence = 0
        """Samples of silence given since the last packet."""
        self._allowance = _Allowance()
        self._waiting = np.zeros(0, np.int16)
        self._past = np.zeros(0, np.int16)

    def begin(self) -> None:
        """The next packet has nothing to do with those before it."""
        self._decoder = None
        self._next_timestamp = None
        self._surplus = 0

    def take(self, ordered: Ordered, now: float) -> None:
        """The next packet in order; whatever it contains, nothing is raised."""
        self._allowance.refill(now)
        silence, self._silence = self._silence, 0
        packet = ordered.packet
        lasts = opus_samples(packet.payload)
        if not lasts:
            return  # padding or junk: if it stood for sound, the next time stamp tells
        if not self._allowance.take(max(lasts // OPUS_PER_HEARD, _LEAST_CHARGE)):
            self.begin()
            return
        self._fill_gap(packet.timestamp, is_loss=ordered.lost > 0 and not silence)
        if silence >= LONGEST_SILENCE:
            self._surplus = 0  # the sender's clock stood still: no packets come for that silence
        self._next_timestamp = (packet.timestamp + lasts) % _TIMESTAMPS
        self._decode(packet.payload, lasts // OPUS_PER_HEARD)

    def stay_away(self, seconds: float) -> bool:
        """No packet came for so long: be silent as long as that; False when a second has been reached."""
        wanted = min(int(seconds * HEARD_RATE), LONGEST_SILENCE) // PIECE_SAMPLES * PIECE_SAMPLES
        missing = wanted - self._silence
        if missing > 0:
            # The voice fades out once, if packets stay away in the middle of it.
            fill = np.zeros(missing, np.int16) if self._silence else conceal(self._past, missing)
            self._silence = wanted
            self._surplus = min(self._surplus + missing, LONGEST_SILENCE)
            self._give(fill)
        return wanted < LONGEST_SILENCE

    def _fill_gap(self, timestamp: int, *, is_loss: bool) -> None:
        if self._next_timestamp is None:
            return
        gap = (timestamp - self._next_timestamp) % _TIMESTAMPS
        if gap >= _TIMESTAMPS // 2:
            return  # back in time: the sender has begun anew
        wanted = min(gap // OPUS_PER_HEARD, LONGEST_SILENCE)
        given = min(wanted, self._surplus)
        self._surplus -= given
        missing = self._allowance.take_some(wanted - given)
        if missing:
            self._give(conceal(self._past, missing) if is_loss else np.zeros(missing, np.int16))

    def _decode(self, payload: bytes, lasts: int) -> None:
        if self._decoder is None:
            self._decoder = OpusHearing()
        sound = self._decoder.decode(payload)
        if sound is None:
            sound = conceal(self._past, lasts)
        if self._surplus >= len(sound) and np.abs(sound).max(initial=0) < _QUIET_PEAK:
            self._surplus -= len(sound)  # silence was given for packets that came after all
            return
        self._give(sound)

    def _give(self, sound: Samples) -> None:
        self._past = np.concatenate([self._past, sound])[-PAST_SAMPLES:]
        self._waiting = np.concatenate([self._waiting, sound])
        whole = len(self._waiting) // PIECE_SAMPLES * PIECE_SAMPLES
        ready, self._waiting = self._waiting[:whole], self._waiting[whole:]
        for start in range(0, whole, PIECE_SAMPLES):
            self._on_sound(ready[start : start + PIECE_SAMPLES])
