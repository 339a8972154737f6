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


def av_offsets_ms(received: Received, silence: bytes) -> list[float]:
    """Video minus audio arrival of what belongs together in a turn, one value a picture, in ms.

    Sound 0 of a turn is its first packet that is not the idle silence; picture 0 is the key
    frame that came nearest to it; from there on picture k belongs to sample k * 1920.
    """
    start = next((i for i, packet in enumerate(received.audio) if packet.payload != silence), None)
    ends = [packet for packet in received.video if packet.marker]
    if start is None or not ends:
        return []
    first_sound = received.audio[start]
    first_picture = min(ends, key=lambda packet: abs(packet.at - first_sound.at))
    sounds = {
        (packet.timestamp - first_sound.timestamp) & 0xFFFFFFFF: packet for packet in received.audio[start:]
    }
    offsets = []
    for packet in ends:
        index, rest = divmod((packet.timestamp - first_picture.timestamp) & 0xFFFFFFFF, _VIDEO_STEP)
        sound = sounds.get(index * SAMPLES_PER_FRAME)
        if rest == 0 and sound is not None and sound.payload != silence:
            offsets.append((packet.at - sound.at) * 1000)
    return offsets


def silence_of(packets: Sequence[Arrived]) -> bytes:
    """The payload that idle sound repeats: the most frequent one."""
    return statistics.mode(packet.payload for packet in packets)


def percentile(values: Sequence[float], share: float) -> float:
    """The value at `share` (0..1) of the sorted values; nan for none."""
    return float(np.percentile(values, share * 100)) if values else float("nan")
