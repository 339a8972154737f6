"""What a receiver's packets tell: when sound began and ended, when the face moved, and how far apart."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from opentalking.core.media import FPS, I420, SAMPLES_PER_FRAME
from opentalking.rtc.receiver import Arrived, Received, decode_pictures, decode_sound

AUDIBLE_RMS = 200.0
"""About -44 dBFS: above coding noise, below any syllable."""
MOVED_LEVELS = 3.0
"""Mean change of luma in the mouth's box that counts as movement; idle sway stays below it."""
SPOKE_LEVELS = 5.0
"""Mean change from one picture to the next that speech makes there; looks stay below 4."""
_VIDEO_STEP = 90_000 // FPS


@dataclass(frozen=True, slots=True)
class MouthBox:
    """Where the mouth is, as shares of the picture's sides."""

    left: float
    top: float
    right: float
    bottom: float

    def cut(self, picture: I420) -> I420:
        """The luma of the mouth in an I420 picture."""
        height, width = picture.shape[0] * 2 // 3, picture.shape[1]
        rows = slice(int(self.top * height), int(self.bottom * height))
        return picture[rows, int(self.left * width) : int(self.right * width)]


def audible_times(received: Received) -> list[float]:
    """Arrival of every packet whose sound is audible."""
    return [
        packet.at
        for packet, sound in decode_sound(received.audio)
        if np.sqrt(np.mean(np.square(sound.astype(np.float64)))) > AUDIBLE_RMS
    ]


def first_movement(received: Received, box: MouthBox, since: float) -> float | None:
    """Arrival of the first picture after `since` in which the mouth differs from the last one before."""
    reference: NDArray[np.float32] | None = None
    for packet, picture in decode_pictures(received.video):
        mouth = box.cut(picture).astype(np.float32)
        if packet.at < since or reference is None:
            reference = mouth
        elif float(np.abs(mouth - reference).mean()) > MOVED_LEVELS:
            return packet.at
    return None


def first_speech_movement(received: Received, box: MouthBox, since: float) -> float | None:
    """Arrival of the first picture after `since` whose mouth differs from the one before as in speech."""
    before: NDArray[np.float32] | None = None
    for packet, picture in decode_pictures(received.video):
        mouth = box.cut(picture).astype(np.float32)
        changed = before is not None and float(np.abs(mouth - before).mean()) > SPOKE_LEVELS
        if packet.at >= since and changed:
            return packet.at
        before = mouth
    return None


@dataclass(frozen=True, slots=True)
class IdleSigns:
    """What an idle session sends again and again: the silent packet, and every picture of the loop."""

    silence: bytes
    pictures: frozenset[bytes]


def idle_signs(received: Received) -> IdleSigns:
    """Learn them from packets of an idle session that cover its whole loop."""
    silence = statistics.mode(packet.payload for packet in received.audio)
    return IdleSigns(silence, frozenset(data for _, data in whole_pictures(received.video)))


def whole_pictures(packets: Sequence[Arrived]) -> list[tuple[Arrived, bytes]]:
    """Each picture's last packet and all its bytes, but the first picture's: its begin may be missing."""
    pictures = []
    data = b""
    for packet in packets:
        data += packet.payload
        if packet.marker:
            pictures.append((packet, data))
            data = b""
    return pictures[1:]


def av_offsets_ms(received: Received, idle: IdleSigns) -> list[float]:
    """Video minus audio arrival of what belongs together in a turn, one value a picture, in ms.

    Sound 0 and picture 0 of a turn are the first ones that the idle session never sends; from
    there on picture k belongs to sample k * 1920, both by their RTP timestamps.
    """
    sounds = [packet for packet in received.audio if packet.payload != idle.silence]
    live = [packet for packet, data in whole_pictures(received.video) if data not in idle.pictures]
    if not sounds or not live:
        return []
    by_time = {(packet.timestamp - sounds[0].timestamp) & 0xFFFFFFFF: packet for packet in sounds}
    offsets = []
    for packet in live:
        index, rest = divmod((packet.timestamp - live[0].timestamp) & 0xFFFFFFFF, _VIDEO_STEP)
        sound = by_time.get(index * SAMPLES_PER_FRAME)
        if rest == 0 and sound is not None:
            offsets.append((packet.at - sound.at) * 1000)
    return offsets


def percentile(values: Sequence[float], share: float) -> float:
    """The value at `share` (0..1) of the sorted values; nan for none."""
    return float(np.percentile(values, share * 100)) if values else float("nan")
