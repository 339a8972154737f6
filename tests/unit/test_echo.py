"""The avatar does not hear itself, and hears whoever talks over it: real voices, rooms, and Silero VAD."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path

import numpy as np
import pytest
import pytest_asyncio
from numpy.typing import NDArray

from opentalking.audio.echo import EchoGuard
from opentalking.audio.resample import resample
from opentalking.core.media import MEDIA_RATE, SAMPLES_PER_PACKET, Samples
from opentalking.core.providers import RECOGNITION_RATE, VAD_FRAME_SAMPLES
from opentalking.providers.tts.local import LocalSpeechConfig, LocalTextToSpeech
from opentalking.providers.tts.piper import PiperStyle
from tests.support.human import readings
from tests.support.listen import Listener, word_error_rate
from tests.support.loudspeaker import EchoPath, Wave, level, microphone, through_opus
from tests.support.silero import Silero, runs

pytestmark = pytest.mark.asyncio(loop_scope="module")

BLOCK = 320
SENTENCES = [
    "Hello! I am glad that you came by today.",
    "What would you like to know about the old lighthouse?",
    "It was built in eighteen fifty two, and for more than a hundred years its keepers lived on the island.",
    "Every evening they climbed one hundred and forty steps to light the lamp.",
    "In winter the sea was often so rough that no boat came for weeks, so they kept flour in a cellar.",
    "Today the light is electric, and nobody has to stay there overnight.",
    "Still, visitors like to climb the stairs and look out over the bay.",
    "If you want to go, take the ferry at nine in the morning; it comes back at four.",
    "Bring a warm jacket, because the wind up there is stronger than you would think.",
    "The museum next to the harbour shows how the lenses were made, and children may turn one by hand.",
    "Tickets cost five dollars, and they are free on Sundays.",
    "In the evening the fishermen sit in front of the church and tell stories about the storms of the past.",
    "You should ask them about the night when the lamp went out.",
    "Is there anything else I can tell you?",
]
CHINESE = "你好，很高兴认识你！这座灯塔建于一八五二年。"
HISS = 1e-4
STEADY = PiperStyle(noise_scale=0.0, noise_w_scale=0.0)
"""Every take is the same."""


@dataclass(frozen=True)
class Said:
    """What the server sent at 48 kHz, what a browser decodes of it, and its level (full scale is 1)."""

    sent: Samples
    heard: Samples

    @property
    def level(self) -> float:
        return level(resample(self.sent, MEDIA_RATE, RECOGNITION_RATE)) / 32768


async def spoken(voice: LocalTextToSpeech, sentences: list[str], name: str) -> Said:
    pieces: list[Samples] = []
    for sentence in sentences:
        async with aclosing(voice.speak(sentence, voice=name)) as parts:
            pieces += [resample(part.pcm, part.sample_rate, MEDIA_RATE) async for part in parts]
        pieces.append(np.zeros(MEDIA_RATE // 4, np.int16))
    joined = np.concatenate(pieces)
    sent = joined[: len(joined) // SAMPLES_PER_PACKET * SAMPLES_PER_PACKET]
    return Said(sent, through_opus(sent))


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def voice(models_dir: Path) -> AsyncIterator[LocalTextToSpeech]:
    voice = LocalTextToSpeech(LocalSpeechConfig(models_dir, piper=STEADY, cache_bytes=0))
    yield voice
    await voice.aclose()


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def english(voice: LocalTextToSpeech) -> Said:
    """Nearly a minute of Piper."""
    said = await spoken(voice, SENTENCES, "en_US-joe-medium")
    assert len(said.sent) > 50 * MEDIA_RATE
    return said


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def chinese(voice: LocalTextToSpeech) -> Said:
    """Some seconds of Kokoro."""
    return await spoken(voice, [CHINESE], "zf_xiaoxiao")


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def other(voice: LocalTextToSpeech) -> Said:
    """A voice that no threshold was set on."""
    return await spoken(voice, SENTENCES[2:6], "am_michael")


@pytest.fixture(scope="module")
def silero() -> Silero:
    return Silero()


def pcm(wave: Wave) -> Samples:
    return np.clip(wave * 32767, -32768, 32767).astype(np.int16)


def hiss(length: int, loudness: float = HISS) -> Wave:
    return np.asarray(loudness * np.random.default_rng(9).standard_normal(length), np.float64)


def cleaned(sent: Samples, near: Samples, guard: EchoGuard | None = None) -> Samples:
    """Play and listen tick by tick."""
    guard = guard or EchoGuard()
    out = []
    for start in range(0, len(near) - BLOCK + 1, BLOCK):
        tick = sent[3 * start : 3 * start + SAMPLES_PER_PACKET]
        guard.played(tick if len(tick) == SAMPLES_PER_PACKET else None)
        out.append(guard.clean(near[start : start + BLOCK]).pcm)
    return np.concatenate(out)


def echo_of(said: Said, path: EchoPath, loudness: float = HISS) -> Wave:
    wave = microphone(said.heard, path)
    return wave + hiss(len(wave), loudness)


def false_starts(silero: Silero, said: Said, path: EchoPath) -> int:
    return len(runs(silero.probabilities(cleaned(said.sent, pcm(echo_of(said, path))))))


ROOMS = (
    [EchoPath(delay, decibels) for delay in (20, 120, 400) for decibels in (-10, -20)]
    + [
        EchoPath(120, decibels, rt60=rt60, clipped=True)
        for decibels, rt60 in ((-6, 0.3), (-10, 0.2), (-10, 0.5), (-20, 0.5))
    ]
    + [
        EchoPath(690, -10, rt60=0.3),
        EchoPath(250, -10, rt60=0.3, clipped=True, leftover=True),
        EchoPath(250, -20, rt60=0.3, clipped=True, leftover=True),
        EchoPath(120, -10, rt60=0.3, drift_ppm=100),
        EchoPath(120, -10, rt60=0.3, drift_ppm=-100),
    ]
)


@pytest.mark.parametrize("path", ROOMS, ids=str)
async def test_the_avatar_does_not_hear_itself(path: EchoPath, english: Said, silero: Silero) -> None:
    """A minute or so of nothing but echo, from the first word on."""
    assert false_starts(silero, english, path) == 0


@pytest.mark.parametrize("decibels", [-10, -20])
async def test_nor_in_another_voice_and_language(decibels: float, chinese: Said, silero: Silero) -> None:
    raw = silero.probabilities(pcm(echo_of(chinese, EchoPath(120, decibels, rt60=0.3))))
    assert runs(raw)  # without a guard it would
    assert false_starts(silero, chinese, EchoPath(120, decibels, rt60=0.3)) == 0


@pytest.mark.parametrize("decibels", [-10, -20])
async def test_a_delay_that_jumps_is_found_again(decibels: float, english: Said, silero: Silero) -> None:
    jumps = ((10.0, 180.0), (20.0, 100.0), (30.0, 300.0), (40.0, 60.0))
    assert false_starts(silero, english, EchoPath(120, decibels, rt60=0.3, jumps=jumps)) == 0
    # And then a person is heard again, two seconds after a jump.
    path = EchoPath(120, decibels, rt60=0.3, jumps=((10.0, 180.0),))
    talk = talk_over(english, path, human_decibels=0, seconds=[12.0])
    assert talk.missed(silero) == 0


HELD_OUT = [
    EchoPath(60, -10, rt60=0.25, clipped=True, seed=11),
    EchoPath(180, -15, rt60=0.4, clipped=True, seed=12),
    EchoPath(330, -10, rt60=0.6, clipped=True, seed=13),
    EchoPath(550, -12, rt60=0.15, clipped=True, seed=14),
]
"""Rooms that no threshold was set on."""


@pytest.mark.parametrize("path", HELD_OUT, ids=str)
async def test_nor_in_a_voice_and_a_room_that_are_new(path: EchoPath, other: Said, silero: Silero) -> None:
    assert false_starts(silero, other, path) == 0


@dataclass(frozen=True)
class Talk:
    """A person, alone and as cleaned of the avatar; each utterance's first and last sample."""

    alone: Samples
    cleaned: Samples
    utterances: list[tuple[int, int]]

    def delays_ms(self, silero: Silero) -> list[float]:
        """How much later than without the avatar 224 ms of speech are heard in each utterance."""
        alone, cleaned = silero.probabilities(self.alone), silero.probabilities(self.cleaned)
        delays = []
        for first, last in self.utterances:
            frames = slice(first // VAD_FRAME_SAMPLES, last // VAD_FRAME_SAMPLES)
            expected, found = runs(alone[frames]), runs(cleaned[frames])
            delays.append(
                1000 * VAD_FRAME_SAMPLES / RECOGNITION_RATE * (found[0] - expected[0]) if found else 1e9
            )
        return delays

    def missed(self, silero: Silero) -> int:
        return sum(delay > 1e8 for delay in self.delays_ms(silero))


def talk_over(said: Said, path: EchoPath, human_decibels: float, seconds: list[float] | None = None) -> Talk:
    """Somebody talks at these times, or every few seconds, while the avatar goes on."""
    echo = echo_of(said, path)
    alone = hiss(len(echo))
    person = said.level * 10 ** (human_decibels / 20)
    utterances: list[tuple[int, int]] = []
    at = round((seconds[0] if seconds else 4) * RECOGNITION_RATE)
    for number, (human, _) in enumerate(cycle(readings())):
        if at + len(human) > len(echo) or (seconds and number >= len(seconds)):
            break
        alone[at : at + len(human)] += human / max(1.0, level(human)) * person
        utterances.append((at, at + len(human)))
        at += len(human) + 2 * RECOGNITION_RATE
    mixed = echo + alone - hiss(len(echo))
    return Talk(pcm(alone), cleaned(said.sent, pcm(mixed)), utterances)


@pytest.mark.parametrize(
    ("path", "human_decibels", "median_ms", "most_ms"),
    [
        (EchoPath(120, -10, rt60=0.3, clipped=True), 0, 160, 480),
        (EchoPath(120, -20, rt60=0.3, clipped=True), 0, 160, 480),
        (EchoPath(120, -20, rt60=0.3, clipped=True), -10, 160, 640),
        (EchoPath(250, -20, rt60=0.3, clipped=True, leftover=True), -10, 160, 640),
        (EchoPath(120, -10, rt60=0.3, clipped=True), -10, 200, 2000),
    ],
    ids=str,
)
async def test_a_person_is_heard_over_the_avatar(
    path: EchoPath, human_decibels: float, median_ms: float, most_ms: float, english: Said, silero: Silero
) -> None:
    delays = talk_over(english, path, human_decibels).delays_ms(silero)
    print(path, human_decibels, "detected later by ms:", sorted(delays))
    assert len(delays) >= 6
    assert np.median(delays) <= median_ms
    assert max(delays) <= most_ms


async def test_a_person_is_heard_over_a_voice_in_a_room_that_are_new(other: Said, silero: Silero) -> None:
    delays = talk_over(other, HELD_OUT[1], human_decibels=-6).delays_ms(silero)
    print("held out: detected later by ms:", sorted(delays))
    assert len(delays) >= 2
    assert np.median(delays) <= 160


async def test_a_person_with_headphones_is_heard_over_the_avatar(english: Said, silero: Silero) -> None:
    delays = talk_over(english, EchoPath(0, -90), human_decibels=-10).delays_ms(silero)
    print("headphones: detected later by ms:", delays)
    assert np.median(delays) <= 64
    assert max(delays[1:]) <= 320


async def test_a_persons_words_survive(english: Said, models_dir: Path) -> None:
    listener = Listener(models_dir / "whisper-base")
    talk = talk_over(english, EchoPath(120, -10, rt60=0.3, clipped=True), human_decibels=0)
    words = [words for _, (_, words) in zip(talk.utterances, cycle(readings()), strict=False)]
    assert len(words) >= 6
    heard = [
        listener.transcribe(np.asarray(talk.cleaned[first:last] / 32768, np.float32), RECOGNITION_RATE)
        for first, last in talk.utterances
    ]
    rate = word_error_rate(words, heard)
    print("word error rate over the avatar:", round(rate, 3))
    assert rate < 0.25


async def test_a_loudspeaker_is_switched_off_and_on(english: Said, silero: Silero) -> None:
    echo = echo_of(english, EchoPath(120, -10, rt60=0.3))
    echo[20 * RECOGNITION_RATE : 30 * RECOGNITION_RATE] *= 1e-3
    assert len(runs(silero.probabilities(cleaned(english.sent, pcm(echo))))) == 0


async def test_the_gain_of_the_microphone_changes(english: Said, silero: Silero) -> None:
    echo = echo_of(english, EchoPath(120, -10, rt60=0.3))
    for second, gain in ((10, 2.0), (20, 0.25), (30, 6.0)):
        echo[second * RECOGNITION_RATE :] *= gain
    assert len(runs(silero.probabilities(cleaned(english.sent, pcm(echo))))) == 0


async def test_without_the_avatar_nothing_is_touched() -> None:
    near = np.concatenate([human for human, _ in readings()])
    near = near[: len(near) // BLOCK * BLOCK]
    guard = EchoGuard()
    assert np.array_equal(cleaned(np.zeros(0, np.int16), near, guard), near)
    assert guard.clean(near[:BLOCK]).echo == 0.0


async def test_an_answer_after_the_avatar_is_whole(english: Said, silero: Silero) -> None:
    """The person begins 0.4 s after the avatar has ended; two seconds after that nothing is touched."""
    said = Said(english.sent[: 6 * MEDIA_RATE], english.heard[: 6 * MEDIA_RATE])
    echo = echo_of(said, EchoPath(120, -10, rt60=0.3))
    human = readings()[0][0] / 32768
    near = np.concatenate([echo, hiss(6400), human])
    near = near[: len(near) // BLOCK * BLOCK]
    out = cleaned(said.sent, pcm(near))
    start = len(echo) + 6400
    alone = runs(silero.probabilities(pcm(near[start:])))
    assert runs(silero.probabilities(out[start:]))[0] <= alone[0] + 1
    assert np.array_equal(out[start + 24_000 :], pcm(near)[start + 24_000 :])


async def test_echo_tells_how_much_was_echo(english: Said) -> None:
    near = pcm(echo_of(english, EchoPath(120, -10, rt60=0.3)))
    guard = EchoGuard()
    shares = []
    for start in range(0, 20 * RECOGNITION_RATE, BLOCK):
        guard.played(english.sent[3 * start : 3 * start + SAMPLES_PER_PACKET])
        shares.append(guard.clean(near[start : start + BLOCK]).echo)
    assert 0.98 < np.mean(shares[10:]) <= 1.0


def bursts(length: int, seed: int = 5) -> NDArray[np.int64]:
    """At which tick each of `length` blocks arrives: in order, up to 160 ms late."""
    random = np.random.default_rng(seed)
    late = np.where(random.random(length) < 0.1, random.integers(1, 9, length), 0)
    return np.maximum.accumulate(np.arange(length) + late)


async def test_packets_in_bursts_are_no_second_voice(english: Said, silero: Silero) -> None:
    near = pcm(echo_of(english, EchoPath(120, -10, rt60=0.3)))
    blocks = len(near) // BLOCK
    arrivals = bursts(blocks)
    guard, out, done = EchoGuard(), [], 0
    for tick in range(blocks):
        guard.played(english.sent[tick * SAMPLES_PER_PACKET : (tick + 1) * SAMPLES_PER_PACKET])
        while done < blocks and arrivals[done] <= tick:
            out.append(guard.clean(near[done * BLOCK : (done + 1) * BLOCK]).pcm)
            done += 1
    assert len(runs(silero.probabilities(np.concatenate(out)))) == 0


async def test_a_microphone_that_was_off_for_a_while(english: Said, silero: Silero) -> None:
    """Its sound is three seconds short in the middle; the echo's delay stays as it was."""
    near = pcm(echo_of(english, EchoPath(120, -10, rt60=0.3)))
    guard, out = EchoGuard(), []
    for tick in range(len(near) // BLOCK):
        guard.played(english.sent[tick * SAMPLES_PER_PACKET : (tick + 1) * SAMPLES_PER_PACKET])
        if not 500 <= tick < 650:
            out.append(guard.clean(near[tick * BLOCK : (tick + 1) * BLOCK]).pcm)
    assert len(runs(silero.probabilities(np.concatenate(out)))) == 0


async def test_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="100 samples"):
        EchoGuard().clean(np.zeros(100, np.int16))


async def test_the_far_end_may_be_full_scale() -> None:
    random = np.random.default_rng(1)
    loud = (random.integers(0, 2, 10 * MEDIA_RATE) * 65535 - 32768).astype(np.int16)
    late = np.pad(resample(loud, MEDIA_RATE, RECOGNITION_RATE), (960, 0))[: 10 * RECOGNITION_RATE]
    assert level(cleaned(loud, late)) < 0.05 * 32768
