"""The embedded turn detector: the real networks in their process, on a human reader and on noises."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Sequence

import numpy as np
import pytest
import pytest_asyncio

from opentalking.core.errors import ProviderError
from opentalking.core.media import Samples
from opentalking.core.providers import RECOGNITION_RATE, VAD_FRAME_SAMPLES, TurnDetector, VoiceActivity
from opentalking.providers.vad.silero import SileroConfig, SileroTurnDetector
from tests.support.human import librivox_words
from tests.support.noises import VOICED, noise, noises
from tests.support.server import eventually

pytestmark = pytest.mark.asyncio(loop_scope="module")

PAUSE = np.zeros(RECOGNITION_RATE // 5, np.int16)
BARGE_IN_FRAMES = 7
"""So long must somebody speak to interrupt: 224 ms."""


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def ears() -> AsyncIterator[SileroTurnDetector]:
    ears = SileroTurnDetector(SileroConfig(activity_seconds=10, end_of_turn_seconds=30))
    await ears.warm()
    yield ears
    await ears.aclose()


async def hear(microphone: VoiceActivity, pcm: Samples, sizes: Sequence[int] = (320,)) -> list[float]:
    """Feed `pcm` in pieces of `sizes` in turn."""
    found: list[float] = []
    start = number = 0
    while start < len(pcm):
        size = sizes[number % len(sizes)]
        found += await microphone.feed(pcm[start : start + size])
        start, number = start + size, number + 1
    return found


def longest(found: Sequence[float], least: float) -> int:
    """The most frames in a row of at least this probability."""
    best = now = 0
    for probability in found:
        now = now + 1 if probability >= least else 0
        best = max(best, now)
    return best


async def test_a_human_reader_is_heard_while_she_speaks_and_not_after(ears: SileroTurnDetector) -> None:
    assert isinstance(ears, TurnDetector)
    for pcm, words in librivox_words():
        last = words[-1][2]
        sound = np.concatenate([pcm[:last], noise("faint hiss")[:RECOGNITION_RATE]])
        found = np.array(await hear(ears.open(), sound))
        middles = (np.arange(len(found)) + 0.5) * VAD_FRAME_SAMPLES
        in_words = np.any([(middles >= start) & (middles < end) for _, start, end in words], axis=0)
        assert np.mean(found[in_words] >= 0.5) >= 0.85
        assert max(found[middles > last + 0.3 * RECOGNITION_RATE]) < 0.35


@pytest.mark.parametrize("gain", [1.0, 0.1])
@pytest.mark.parametrize("name", sorted(noises()))
async def test_a_noise_is_no_speech(ears: SileroTurnDetector, name: str, gain: float) -> None:
    found = await hear(ears.open(), noise(name, gain))
    if name in VOICED:
        assert longest(found, 0.35) * VAD_FRAME_SAMPLES / RECOGNITION_RATE < 0.6
    else:
        assert longest(found, 0.5) < BARGE_IN_FRAMES


async def test_pieces_of_any_size_are_heard_like_one(ears: SileroTurnDetector) -> None:
    [pcm, _], *_ = librivox_words()
    sound = np.concatenate([pcm, np.zeros(7000, np.int16), pcm[8000:24_000]])
    at_once = await ears.open().feed(sound)
    assert len(at_once) == len(sound) // VAD_FRAME_SAMPLES
    for sizes in ((320,), (1, 511, 512, 513, 0, 77), (20_000, 3)):
        assert np.allclose(await hear(ears.open(), sound, sizes), at_once, atol=1e-4), sizes


async def test_microphones_do_not_mix(ears: SileroTurnDetector) -> None:
    sounds = [pcm for pcm, _ in librivox_words()] + [noise("band"), noise("voiced cough"), noise("silence")]
    alone = [await hear(ears.open(), sound) for sound in sounds]
    together = await asyncio.gather(*(hear(ears.open(), sound) for sound in sounds))
    for one, other in zip(alone, together, strict=True):
        assert np.allclose(one, other, atol=1e-4)


async def test_after_a_second_of_silence_a_microphone_is_as_new(ears: SileroTurnDetector) -> None:
    [(one, _), (other, _), *_] = librivox_words()
    alone = await ears.open().feed(other)
    microphone = ears.open()
    await microphone.feed(one)
    whole = -len(one) % VAD_FRAME_SAMPLES
    assert set((await microphone.feed(np.zeros(RECOGNITION_RATE * 3 // 2 + whole, np.int16)))[1:]) == {0.0}
    left = (RECOGNITION_RATE * 3 // 2) % VAD_FRAME_SAMPLES
    await microphone.feed(np.zeros(-left % VAD_FRAME_SAMPLES, np.int16))
    assert np.allclose(await microphone.feed(other), alone, atol=1e-4)


async def test_silence_is_not_even_asked_about() -> None:
    ears = SileroTurnDetector()
    microphone = ears.open()
    faint = np.where(np.arange(RECOGNITION_RATE) % 2, 16, -16).astype(np.int16)
    assert set(await hear(microphone, faint)) == {0.0}
    assert ears.pids == {}
    await ears.aclose()


async def test_a_turn_that_is_over_is_told_from_one_that_goes_on(ears: SileroTurnDetector) -> None:
    """Read sentences are not what Smart Turn was made for: it is right about most, not about all."""
    over: list[float] = []
    goes_on: list[float] = []
    for pcm, words in librivox_words():
        over.append(await ears.end_of_turn(np.concatenate([pcm[: words[-1][2]], PAUSE])))
        for share in (0.25, 0.4, 0.55, 0.7, 0.85):
            end = words[int(share * len(words)) - 1][2]
            goes_on.append(await ears.end_of_turn(np.concatenate([pcm[:end], PAUSE])))
    assert sum(p > 0.7 for p in over) >= 3, over
    assert sum(p < 0.7 for p in goes_on) >= 15, goes_on
    assert np.mean(over) > np.mean(goes_on) + 0.1


async def test_the_last_eight_seconds_tell_whether_a_turn_is_over(ears: SileroTurnDetector) -> None:
    long = np.concatenate([pcm for pcm, _ in librivox_words()])
    assert await ears.end_of_turn(long) == await ears.end_of_turn(long[-8 * RECOGNITION_RATE :])
    assert 0 <= await ears.end_of_turn(np.zeros(0, np.int16)) <= 1


async def test_microphones_are_heard_while_the_ends_of_turns_are_judged(ears: SileroTurnDetector) -> None:
    [(pcm, _), *_] = librivox_words()
    judged = [asyncio.create_task(ears.end_of_turn(pcm)) for _ in range(5)]
    assert len(await hear(ears.open(), pcm[: 10 * VAD_FRAME_SAMPLES])) == 10
    assert not judged[-1].done()
    assert len({await judgement for judgement in judged}) == 1


async def test_a_killed_engine_costs_one_piece_and_nothing_else() -> None:
    ears = SileroTurnDetector(SileroConfig(activity_seconds=30, end_of_turn_seconds=30))
    [(pcm, _), *_] = librivox_words()
    middle = len(pcm) // 2 // VAD_FRAME_SAMPLES * VAD_FRAME_SAMPLES
    expected = await ears.open().feed(pcm)
    microphone = ears.open()
    found = list(await microphone.feed(pcm[:middle]))
    await ears.end_of_turn(pcm)
    before = ears.pids
    for pid in before.values():
        os.kill(pid, signal.SIGSTOP)
    lost = asyncio.create_task(microphone.feed(pcm[middle : middle + VAD_FRAME_SAMPLES]))
    judged = asyncio.create_task(ears.end_of_turn(pcm))
    await asyncio.sleep(0)
    for pid in before.values():
        os.kill(pid, signal.SIGKILL)
    for task in (lost, judged):
        with pytest.raises(ProviderError) as failure:
            await task
        assert (failure.value.stage, failure.value.retryable) == ("vad", True)
    found += [0.0, *await microphone.feed(pcm[middle + VAD_FRAME_SAMPLES :])]
    assert len(found) == len(expected)
    assert np.mean(np.abs(np.subtract(found, expected)) < 0.1) > 0.9, "what it had heard before counts on"
    assert 0 <= await ears.end_of_turn(pcm) <= 1
    assert len({*before.values(), *ears.pids.values()}) == 4
    await ears.aclose()


async def test_an_engine_that_hangs_is_given_up_and_heard_again() -> None:
    ears = SileroTurnDetector(SileroConfig(activity_seconds=0.2, end_of_turn_seconds=0.3, hung_seconds=60))
    await ears.warm()
    [(pcm, _), *_] = librivox_words()
    for pid in ears.pids.values():
        os.kill(pid, signal.SIGSTOP)
    microphone = ears.open()
    with pytest.raises(ProviderError, match="in time"):
        await microphone.feed(pcm)
    with pytest.raises(ProviderError, match="in time"):
        await ears.end_of_turn(pcm)
    for pid in ears.pids.values():
        os.kill(pid, signal.SIGCONT)
    await ears.warm()
    assert max(await microphone.feed(pcm[: 30 * VAD_FRAME_SAMPLES])) > 0.5
    await ears.aclose()


async def test_not_more_than_allowed_wait_for_an_answer() -> None:
    ears = SileroTurnDetector(SileroConfig(activity_seconds=30, hung_seconds=60, hearing=1, max_waiting=3))
    await ears.warm()
    os.kill(ears.pids["ears"], signal.SIGSTOP)
    feeding = [asyncio.create_task(ears.open().feed(noise("loud hiss"))) for _ in range(9)]
    await eventually(lambda: sum(task.done() for task in feeding) == 5, "five are refused")
    os.kill(ears.pids["ears"], signal.SIGCONT)
    outcomes = await asyncio.gather(*feeding, return_exceptions=True)
    refused = [outcome for outcome in outcomes if isinstance(outcome, ProviderError)]
    assert [error.message for error in refused] == ["silero: too many requests are waiting"] * 5
    assert sum(isinstance(outcome, list) for outcome in outcomes) == 4
    await ears.aclose()


async def test_closed_it_answers_with_an_error() -> None:
    ears = SileroTurnDetector()
    microphone = ears.open()
    await ears.warm()
    await ears.aclose()
    await ears.aclose()
    with pytest.raises(ProviderError, match="closed"):
        await microphone.feed(noise("loud hiss"))
    with pytest.raises(ProviderError, match="closed"):
        await ears.end_of_turn(noise("loud hiss"))


async def test_it_says_which_package_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    assert SileroTurnDetector().ready() == ""
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    ears = SileroTurnDetector()
    assert ears.ready() == "package_missing: pip install 'opentalking[local]'"
    with pytest.raises(ProviderError, match="package_missing"):
        await ears.open().feed(noise("loud hiss"))
    with pytest.raises(ProviderError, match="package_missing"):
        await ears.warm()
