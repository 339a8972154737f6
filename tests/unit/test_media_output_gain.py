"""The voice ducked and raised again: how loud it is, how smoothly it gets there, and who hears it."""

import asyncio

import numpy as np
import pytest

from opentalking.core.media import MEDIA_RATE, SAMPLES_PER_PACKET, Samples
from opentalking.media.encoder import silence_packet
from opentalking.media.pictures import Shown
from tests.support.media import (
    RecordingSink,
    Stage,
    decode_sound,
    idle_loop,
    level,
    run_virtual,
    segment,
)
from tests.support.virtual_time import InlineExecutor


class Told:
    """What the output's reference and a recorder's tap are told."""

    def __init__(self, stage: Stage) -> None:
        self.reference: list[Samples | None] = []
        self.tape: list[Samples | None] = []
        stage.output.reference = self.reference.append
        stage.output.record(self, idle_loop())

    def tick(self, number: int, sound: Samples | None, shown: Shown) -> None:
        self.tape.append(sound)

    @property
    def sound(self) -> Samples:
        silence = np.zeros(SAMPLES_PER_PACKET, np.int16)
        return np.concatenate([silence if piece is None else piece for piece in self.reference])


async def speaking(frames: int = 40) -> tuple[Stage, RecordingSink, Told]:
    stage, sink = Stage(InlineExecutor(), ahead_seconds=10.0), RecordingSink()
    await stage.output.attach(sink, idle_loop())
    told = Told(stage)
    await stage.output.begin("t")
    await stage.output.put(segment("t", frames))
    return stage, sink, told


def packet(sound: Samples, index: int) -> Samples:
    return sound[index * SAMPLES_PER_PACKET : (index + 1) * SAMPLES_PER_PACKET]


def decibel(sound: Samples, full: Samples) -> float:
    return float(20 * np.log10(level(sound) / level(full)))


def heard(sink: RecordingSink) -> Samples:
    """What a client hears; 120 samples later than what was put in."""
    return decode_sound([payload for payload, _ in sink.sound])


def test_a_ducked_voice_is_20_db_down_after_one_packet_and_full_again_within_100_ms() -> None:
    async def main() -> None:
        stage, sink, told = await speaking()
        await stage.tick(10)
        stage.output.duck()
        await stage.tick(20)
        stage.output.unduck()
        await stage.tick(15)
        full = packet(told.sound, 5)
        assert decibel(packet(told.sound, 9), full) == pytest.approx(0, abs=0.1)
        assert decibel(packet(told.sound, 11), full) == pytest.approx(-20, abs=0.1)
        assert decibel(packet(told.sound, 29), full) == pytest.approx(-20, abs=0.1)
        assert decibel(packet(told.sound, 34), full) == pytest.approx(0, abs=0.1)
        sound = heard(sink)
        # The codec's own delay of 2.5 ms lies between; its noise is well below -20 dB.
        assert decibel(packet(sound, 12), packet(sound, 5)) < -18
        assert decibel(packet(sound, 28), packet(sound, 5)) < -18
        assert decibel(packet(sound, 36), packet(sound, 5)) > -0.5
        await stage.output.aclose()

    run_virtual(main())


def test_neither_fade_clicks() -> None:
    async def main() -> None:
        stage, _, told = await speaking()
        await stage.tick(10)
        stage.output.duck()
        await stage.tick(10)
        stage.output.unduck()
        await stage.tick(2)
        stage.output.duck()
        await stage.tick(10)
        sound = told.sound.astype(np.float64)
        # A tone of 440 Hz and 9000: no step is larger than the tone's own, and nothing is heard above 2 kHz.
        assert np.abs(np.diff(sound[960:])).max() <= 2 * np.pi * 440 / MEDIA_RATE * 9000 * 1.02 + 1
        for start in range(1, 30):
            piece = sound[start * 960 : start * 960 + 1920] * np.hanning(1920)
            spectrum = np.abs(np.fft.rfft(piece)) ** 2
            assert spectrum[2000 * 1920 // MEDIA_RATE :].sum() < 1e-6 * spectrum.sum() + 1e4
        await stage.output.aclose()

    run_virtual(main())


def test_a_recorder_hears_what_a_client_hears_and_silence_stays_silence() -> None:
    async def main() -> None:
        stage, sink, told = await speaking(5)
        stage.output.end("t")
        stage.output.duck()
        await stage.tick(30)
        assert len(told.reference) == len(told.tape) == 30
        for mine, taped in zip(told.reference, told.tape, strict=True):
            assert mine is taped
        assert [piece is None for piece in told.reference] == [False] * 10 + [True] * 20
        assert all(payload == silence_packet() for payload, _ in sink.sound[11:])
        await stage.output.aclose()

    run_virtual(main())


def test_a_turn_that_begins_while_ducked_is_ducked_from_its_first_sample() -> None:
    async def main() -> None:
        stage, sink, told = await speaking()
        await stage.tick(10)
        stage.output.duck()
        await stage.tick(3)
        stage.output.drop("t")
        dropped = len(sink.sound)
        await stage.tick(4)
        assert all(payload == silence_packet() for payload, _ in sink.sound[dropped:])
        await stage.output.begin("u")
        await stage.output.put(segment("u", 10))
        await stage.tick(6)
        first = next(i for i in range(dropped, len(told.reference)) if told.reference[i] is not None)
        assert decibel(packet(told.sound, first), packet(told.sound, 5)) == pytest.approx(-20, abs=0.3)
        stage.output.unduck()
        await stage.tick(6)
        assert decibel(told.sound[-960:], packet(told.sound, 5)) == pytest.approx(0, abs=0.3)
        await stage.output.aclose()

    run_virtual(main())


def test_ducked_in_silence_and_raised_again_a_turn_is_untouched() -> None:
    async def main() -> None:
        stage, sink = Stage(InlineExecutor()), RecordingSink()
        await stage.output.attach(sink, idle_loop())
        told = Told(stage)
        stage.output.duck()
        await stage.tick(2)
        stage.output.unduck()
        await stage.tick(4)
        piece = segment("t", 5)
        await stage.output.begin("t")
        await stage.output.put(piece)
        await stage.tick(10)
        assert all(payload == silence_packet() for payload, _ in sink.sound[:6])
        assert np.array_equal(told.sound[6 * 960 :], piece.pcm)
        await stage.output.aclose()

    run_virtual(main())


def test_the_reference_keeps_time_over_skipped_ticks() -> None:
    async def main() -> None:
        stage, _, told = await speaking()
        await stage.tick(4)
        stage.output.skip(13)
        await stage.tick(1)
        assert len(told.reference) == 4 + 12 + 1
        assert told.reference[4:16] == [None] * 12
        stage.output.skip(1_000_000)
        assert len(told.reference) < 200
        stage.output.reference = None
        await stage.tick(2)
        await asyncio.sleep(0)
        await stage.output.aclose()

    run_virtual(main())
