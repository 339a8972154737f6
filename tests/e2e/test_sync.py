"""Lips and voice belong together when they arrive: measured on the sender's clock and by arrival."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tests.support.api_client import ApiSession
from tests.support.figures import Measured
from tests.support.rtc_client import Picture, RtcClient, Sound
from tests.support.sender_clock import SenderClock
from tests.support.senses import DEMO_MOUTH
from tests.support.server import RunningServer

TEXT = "Are all our apples over there? Mama, papa, banana."
"""It begins with an open mouth."""
LOUD = 300.0
MOVED = 5.0
"""Change of a mouth pixel between two pictures, of 255; sway, breath and the codec make less than 3."""
TOGETHER_SECONDS = 0.06
ARRIVED_TOGETHER_SECONDS = 0.1
STEP_SECONDS = 0.01


@dataclass(frozen=True)
class Heard:
    """A turn as it arrived: loudness and mouth over time; `seconds` are of the sender's clock."""

    sound_seconds: NDArray[np.float64]
    sound_arrivals: NDArray[np.float64]
    levels: NDArray[np.float64]
    picture_seconds: NDArray[np.float64]
    picture_arrivals: NDArray[np.float64]
    mouths: NDArray[np.float64]

    @property
    def first_sound(self) -> int:
        return int(np.argmax(self.levels > LOUD))

    @property
    def first_move(self) -> int:
        changes = np.abs(np.diff(self.mouths, axis=0)).mean((1, 2))
        assert changes.max() > MOVED, "the mouth never moved"
        return int(np.argmax(changes > MOVED)) + 1

    def lips_behind_voice(self) -> float:
        """The shift in seconds at which the mouth's openness follows the loudness best."""
        loud = np.nonzero(self.levels > LOUD)[0]
        begin, end = self.sound_seconds[loud[0]], self.sound_seconds[loud[-1]]
        grid = np.arange(begin, end, STEP_SECONDS)
        loudness = np.interp(grid, self.sound_seconds + 0.01, np.log10(self.levels + 30))
        # An open mouth shows its dark inside.
        openness = -self.mouths.mean((1, 2))
        shifts = np.arange(-0.3, 0.31, 0.02)
        shifted = [np.interp(grid + shift, self.picture_seconds, openness) for shift in shifts]
        likeness = [np.corrcoef(loudness, some)[0, 1] for some in shifted]
        assert max(likeness) > 0.35, f"lips that do not follow the voice: {max(likeness):.2f}"
        return float(shifts[int(np.argmax(likeness))])


def heard(clock: SenderClock, sounds: Sequence[Sound], pictures: Sequence[Picture]) -> Heard:
    return Heard(
        sound_seconds=np.array([clock.seconds("audio", sound.media_seconds) for sound in sounds]),
        sound_arrivals=np.array([sound.at for sound in sounds]),
        levels=np.array([sound.level for sound in sounds]),
        picture_seconds=np.array([clock.seconds("video", picture.media_seconds) for picture in pictures]),
        picture_arrivals=np.array([picture.at for picture in pictures]),
        mouths=np.array([mouth(picture) for picture in pictures]),
    )


def mouth(picture: Picture) -> NDArray[np.float64]:
    assert picture.i420 is not None
    height, width = picture.i420.shape[0] * 2 // 3, picture.i420.shape[1]
    x, y, w, h = DEMO_MOUTH
    rows = slice(round(y * height), round((y + h) * height))
    columns = slice(round(x * width), round((x + w) * width))
    return picture.i420[rows, columns].astype(np.float64)


async def pictures_more(client: RtcClient, count: int) -> None:
    """Wait for so many further pictures."""
    wanted = len(client.pictures) + count
    await client.until(lambda: len(client.pictures) >= wanted)


async def test_lips_and_voice_arrive_together(server: RunningServer, measured: Measured) -> None:
    async with ApiSession(server.url) as session, RtcClient() as client:
        clock = SenderClock(client)
        await session.connect(client)
        await client.until(lambda: clock.known)
        starts, arrivals, shifts = [], [], []
        for _ in range(3):
            pictures, sounds = len(client.pictures), len(client.sound)
            await pictures_more(client, 10)  # some idle ones before
            await session.ended(await session.speak(TEXT))
            await pictures_more(client, 5)
            turn = heard(clock, client.sound[sounds:], client.pictures[pictures:])
            starts.append(turn.picture_seconds[turn.first_move] - turn.sound_seconds[turn.first_sound])
            arrivals.append(turn.picture_arrivals[turn.first_move] - turn.sound_arrivals[turn.first_sound])
            shifts.append(turn.lips_behind_voice())
    measured("first move after first sound, sender's clock, ms", [round(float(s) * 1000, 1) for s in starts])
    measured("first move after first sound, by arrival, ms", [round(s * 1000) for s in arrivals])
    measured("lips behind voice, best correlation, ms", [round(s * 1000) for s in shifts])
    assert abs(np.median(starts)) <= TOGETHER_SECONDS, starts
    assert abs(np.median(arrivals)) <= ARRIVED_TOGETHER_SECONDS, arrivals
    assert abs(np.median(shifts)) <= TOGETHER_SECONDS, shifts


async def until_silent(client: RtcClient) -> None:
    """Wait for a second without sound."""
    seen = len(client.sound) + 50
    await client.until(
        lambda: len(client.sound) >= seen and all(sound.level < LOUD for sound in client.sound[-50:])
    )


async def until_loud(client: RtcClient) -> None:
    """Wait for the next loud sound."""
    count = len(client.sound)
    await client.until(lambda: any(sound.level > LOUD for sound in client.sound[count:]))


async def test_an_interrupt_is_silent_within_a_tenth_of_a_second(
    server: RunningServer, measured: Measured
) -> None:
    late = []
    async with ApiSession(server.url) as session, RtcClient() as client:
        await session.connect(client)
        for _ in range(3):
            turn = await session.speak(TEXT)
            await until_loud(client)
            answer = await session.post("interrupt")
            answered = time.monotonic()
            assert answer.json()["interrupted"] is True
            await until_silent(client)
            await pictures_more(client, 25)
            late.append(max(sound.at for sound in client.sound if sound.level > LOUD) - answered)
            await session.ended(turn)
    measured("interrupt answered to last loud sound, ms", [round(s * 1000) for s in late])
    # The receiver's jitter buffer holds sound back for 80 ms.
    assert sorted(late)[1] < 0.1 + 0.08, late
