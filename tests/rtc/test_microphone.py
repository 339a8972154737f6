"""RTP packets of a microphone become sound in time: order, loss, pauses, junk and floods, on virtual time."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import numpy as np
import pytest
from aiortc.rtp import RtpPacket

from opentalking.core.media import Samples
from opentalking.rtc.microphone import Microphone
from tests.support.media import level, run_virtual
from tests.support.opus import encode_opus, in_rtp, pitch, sine
from tests.support.virtual_time import VirtualTimeLoop

TONE = encode_opus(sine(2.0))
"""100 packets of 20 ms."""


class Heard:
    """Pieces with the time at which they came."""

    def __init__(self) -> None:
        self.pieces: list[Samples] = []
        self.at: list[float] = []
        self.microphone = Microphone(self.take)

    def take(self, piece: Samples) -> None:
        assert piece.shape == (320,)
        assert piece.dtype == np.int16
        self.pieces.append(piece)
        self.at.append(asyncio.get_running_loop().time())

    @property
    def sound(self) -> Samples:
        return np.concatenate([np.zeros(0, np.int16), *self.pieces])


Script = Callable[[Heard], Awaitable[None]]


def hear(script: Script) -> Heard:
    async def main() -> Heard:
        heard = Heard()
        await script(heard)
        heard.microphone.close()
        return heard

    return run_virtual(main())


def paced(packets: Iterable[RtpPacket | None], seconds: float = 0.02) -> Script:
    """One packet each 20 ms; None: nothing comes."""

    async def script(heard: Heard) -> None:
        for packet in packets:
            if packet is not None:
                heard.microphone.take(packet)
            await asyncio.sleep(seconds)

    return script


@pytest.mark.parametrize("layout", ["mono", "stereo"])
@pytest.mark.parametrize("milliseconds", [10, 20, 60])
def test_a_tone_arrives_as_the_same_tone_in_time(layout: str, milliseconds: int) -> None:
    payloads = encode_opus(sine(1.98), milliseconds=milliseconds, layout=layout)
    packets = in_rtp(payloads, samples=48 * milliseconds)
    heard = hear(paced(packets, milliseconds / 1000))
    # 1 ms is still in the resampler, so the last piece is not whole.
    assert len(heard.pieces) == 98
    middle = heard.sound[3200:-3200]
    assert pitch(middle) == pytest.approx(440, abs=1)
    assert level(middle) == pytest.approx(9000 / np.sqrt(2), rel=0.05)


def test_pieces_come_with_their_packets() -> None:
    heard = hear(paced(in_rtp(TONE)))
    # The first whole piece ends in the second packet.
    assert heard.at == pytest.approx([0.02 * (index + 1) for index in range(99)])


@pytest.mark.parametrize(("number", "timestamp"), [(65_530, 5000), (0, (1 << 32) - 4800), (65_500, 2**31)])
def test_numbers_and_time_stamps_wrap_around(number: int, timestamp: int) -> None:
    plain = hear(paced(in_rtp(TONE)))
    wrapped = hear(paced(in_rtp(TONE, number=number, timestamp=timestamp)))
    assert np.array_equal(wrapped.sound, plain.sound)
    # The packet around which they wrap is lost, too.
    holed: list[RtpPacket | None] = list(in_rtp(TONE, number=number, timestamp=timestamp))
    holed[4:6] = [None, None]
    assert len(hear(paced(holed)).pieces) == len(plain.pieces)


@pytest.mark.parametrize("seed", range(5))
def test_packets_out_of_order_are_heard_in_order(seed: int) -> None:
    generator = random.Random(seed)
    packets = list(in_rtp(TONE))
    for index in range(2, len(packets) - 3, 3):
        if generator.random() < 0.5:
            packets[index], packets[index + 1] = packets[index + 1], packets[index]
    assert np.array_equal(hear(paced(packets)).sound, hear(paced(in_rtp(TONE))).sound)


def test_copies_are_heard_once() -> None:
    packets = [packet for packet in in_rtp(TONE) for _ in range(2)]
    heard = hear(paced(packets, 0.01))
    assert np.array_equal(heard.sound, hear(paced(in_rtp(TONE))).sound)


@pytest.mark.parametrize("seed", range(5))
def test_lost_packets_keep_their_time_and_the_tone_goes_on(seed: int) -> None:
    generator = random.Random(seed)
    packets = [
        packet if not 3 < index < 97 or generator.random() > 0.05 else None
        for index, packet in enumerate(in_rtp(TONE))
    ]
    assert None in packets
    heard = hear(paced(packets))
    assert len(heard.pieces) == 99
    quiet = [piece for piece in heard.pieces[3:-3] if level(piece) < 800]
    assert not quiet
    assert pitch(heard.sound[3200:-3200]) == pytest.approx(440, abs=2)


def test_a_missing_packet_is_waited_for_at_most_60_ms() -> None:
    packets = list(in_rtp(TONE))

    async def script(heard: Heard) -> None:
        await paced(packets[:10])(heard)
        heard.microphone.take(packets[11])
        await asyncio.sleep(0.06)
        assert len(heard.pieces) == 11
        heard.microphone.take(packets[10])  # too late
        heard.microphone.take(packets[12])
        assert len(heard.pieces) == 12

    hear(script)


def test_a_short_hole_is_as_long_as_it_was() -> None:
    packets: list[RtpPacket | None] = list(in_rtp(TONE))
    packets[40:48] = [None] * 8  # 160 ms
    heard = hear(paced(packets))
    assert len(heard.pieces) == 99
    assert level(heard.sound[40 * 320 : 41 * 320]) > 2000  # the voice fades out
    assert level(heard.sound[44 * 320 : 47 * 320]) < 10
    assert level(heard.sound[50 * 320 :]) > 6000


@pytest.mark.parametrize("numbers_go_on", [True, False])
def test_a_pause_in_the_packets_is_silence_as_it_happens_and_at_most_a_second_long(
    numbers_go_on: bool,
) -> None:
    first = list(in_rtp(TONE[:50]))
    # Muted for 3 s: the time stamps go on, the numbers only if the packets were sent and lost.
    later = in_rtp(TONE[50:], number=1000 + 50 + (150 if numbers_go_on else 0), timestamp=5000 + 200 * 960)

    async def script(heard: Heard) -> None:
        await paced(first)(heard)
        await asyncio.sleep(0.2)
        # In time, so that whoever waits for the end of speech need not wait for the next packet.
        assert 58 <= len(heard.pieces) <= 60
        await asyncio.sleep(2.8)
        assert len(heard.pieces) == 99
        await paced(later)(heard)

    heard = hear(script)
    assert 148 <= len(heard.pieces) <= 150
    assert level(heard.sound[54 * 320 : 98 * 320]) < 10
    assert level(heard.sound[102 * 320 : 147 * 320]) > 6000


@pytest.mark.parametrize("pauses", [1, 4])
@pytest.mark.parametrize("seconds", [0.9, 3.0])
def test_silence_after_a_mute_that_stopped_the_senders_clock_is_heard(pauses: int, seconds: float) -> None:
    quiet = encode_opus(np.zeros(2 * 48_000, np.int16))
    packets = list(in_rtp([*TONE[: 10 * (pauses + 1)], *quiet]))

    async def script(heard: Heard) -> None:
        for pause in range(pauses):
            await paced(packets[10 * pause : 10 * pause + 10])(heard)
            await asyncio.sleep(seconds)
        rest = packets[10 * pauses :]
        await paced(rest[:10])(heard)
        spoken = len(heard.pieces)
        await paced(rest[10:])(heard)
        # The end of speech is noticed by the silence behind it.
        assert len(heard.pieces) - spoken >= (98 if seconds > 1 else 48)

    hear(script)


def test_packets_that_come_all_at_once_after_a_stall_are_heard_and_time_is_made_up_in_the_next_pause() -> (
    None
):
    quiet = encode_opus(np.zeros(48_000, np.int16))
    packets = list(in_rtp([*TONE[:50], *TONE[50:65], *quiet]))

    async def script(heard: Heard) -> None:
        await paced(packets[:50])(heard)
        await asyncio.sleep(0.3)
        for packet in packets[50:65]:
            heard.microphone.take(packet)
        assert sum(level(piece) > 5000 for piece in heard.pieces) >= 63
        await paced(packets[65:])(heard)

    heard = hear(script)
    assert 113 <= len(heard.pieces) <= 116  # 115 packets


def test_a_new_source_is_heard_once_the_old_one_is_gone() -> None:
    async def script(heard: Heard) -> None:
        await paced(in_rtp(TONE[:25]))(heard)
        intruder = in_rtp(TONE[:25], ssrc=8, number=9, timestamp=9)
        for mine, other in zip(
            in_rtp(TONE[25:50], number=1025, timestamp=5000 + 25 * 960), intruder, strict=True
        ):
            heard.microphone.take(mine)
            heard.microphone.take(other)
            await asyncio.sleep(0.02)
        assert len(heard.pieces) == 49
        await asyncio.sleep(0.3)
        before = sum(level(piece) > 5000 for piece in heard.pieces)
        await paced(in_rtp(TONE, ssrc=9, number=60_000, timestamp=77))(heard)
        assert sum(level(piece) > 5000 for piece in heard.pieces) >= before + 98

    hear(script)


def test_a_sender_that_begins_anew_is_heard() -> None:
    async def script(heard: Heard) -> None:
        await paced(in_rtp(TONE[:25]))(heard)
        await paced(in_rtp(TONE[25:50], number=30_000, timestamp=1))(heard)

    heard = hear(script)
    assert 48 <= len(heard.pieces) <= 50
    assert min(level(piece) for piece in heard.pieces[2:]) > 2000


def test_junk_never_raises_and_the_voice_comes_back() -> None:
    generator = np.random.default_rng(3)

    def junk(index: int) -> bytes:
        return generator.bytes(int(generator.integers(0, 200)))

    async def script(heard: Heard) -> None:
        await paced(in_rtp(TONE[:50]))(heard)
        await paced(in_rtp([junk(index) for index in range(500)], number=1050, timestamp=5000 + 50 * 960))(
            heard
        )
        before = len(heard.pieces)
        await paced(in_rtp(TONE, number=40_000, timestamp=123))(heard)
        assert len(heard.pieces) - before >= 97
        assert min(level(piece) for piece in heard.pieces[-90:]) > 4000

    hear(script)


@pytest.mark.parametrize("jump", [960, 48_000, 2**31 - 1])
def test_a_flood_gives_at_most_twice_the_sound_of_its_time(jump: int) -> None:
    async def script(heard: Heard) -> None:
        for number in range(5000):  # 25 times as many as in real time, over 4 s
            packet = RtpPacket(sequence_number=number, timestamp=number * jump % 2**32, ssrc=1)
            packet.payload = TONE[number % 100]
            heard.microphone.take(packet)
            await asyncio.sleep(0.0008)
        assert len(heard.pieces) <= 50 + 2 * 4 * 50 + 10

    hear(script)


def test_whoever_listens_and_fails_is_told_nothing_more() -> None:
    async def main() -> None:
        told = 0

        def broken(piece: Samples) -> None:
            nonlocal told
            told += 1
            raise RuntimeError("broken")

        microphone = Microphone(broken)
        for packet in in_rtp(TONE):
            microphone.take(packet)
            await asyncio.sleep(0.02)
        assert told == 1

    run_virtual(main())


def test_after_close_nothing_is_heard() -> None:
    async def script(heard: Heard) -> None:
        await paced(in_rtp(TONE[:10]))(heard)
        heard.microphone.close()
        before = len(heard.pieces)
        await paced(in_rtp(TONE[10:], number=1010, timestamp=5000 + 9600))(heard)
        await asyncio.sleep(2)
        assert len(heard.pieces) == before

    hear(script)


class HastyLoop(VirtualTimeLoop):
    """Like uvloop: wakes a part of a millisecond early, and its handle for a shorter time has no `when`."""

    def call_at(  # type: ignore[override]
        self, when: float, callback: Any, *args: Any, context: Any = None
    ) -> Any:
        early = when - 0.0004
        if early - self.time() >= 0.0001:
            return super().call_at(early, callback, *args, context=context)
        super().call_at(when, callback, *args, context=context)
        return asyncio.Handle(callback, args, self, context)


def test_a_packet_may_come_in_the_very_moment_in_which_another_is_given_up() -> None:
    async def main() -> list[dict[str, object]]:
        heard = Heard()
        loop = asyncio.get_running_loop()
        failures: list[dict[str, object]] = []
        loop.set_exception_handler(lambda _, context: failures.append(context))
        [first, _, third, fourth, *_] = in_rtp(TONE, samples=960)
        heard.microphone.take(first)
        heard.microphone.take(third)
        loop.call_later(0.06, heard.microphone.take, fourth)
        await asyncio.sleep(0.1)
        heard.microphone.close()
        assert len(heard.pieces) >= 3
        return failures

    with asyncio.Runner(loop_factory=HastyLoop) as runner:
        assert runner.run(main()) == []
