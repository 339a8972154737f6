"""Lips from sound alone: the shipped network on human speech, on streams, and in rendered frames."""

import json
from collections.abc import AsyncIterator

import numpy as np
import pytest
import soxr
from numpy.typing import NDArray

from opentalking.core.media import MEDIA_RATE, SAMPLES_PER_FRAME, Samples, Speech
from opentalking.providers.render.portrait import PortraitConfig, PortraitFace, PortraitRenderer
from opentalking.providers.render.portrait.acting.performance import Performance
from opentalking.providers.render.sound.features import BANDS, MelEnergies
from opentalking.providers.render.sound.visemes import WEIGHTS, SoundVisemes, lip_network, look_ahead_seconds
from opentalking.providers.render.visemes import PARAMETERS
from tests.support.human import at_media_rate, human_speech
from tests.support.portraits import DEMO, bundle, darkness, frames_of, rendered, sound, voice
from training.lips.evaluate import Spoken, as_speech, frame_report, report, shown

JAW = PARAMETERS.index("jaw")


@pytest.fixture(scope="module")
def speech() -> list[Spoken]:
    return human_speech()


def cuts(pcm: Samples, seed: int) -> list[Samples]:
    rng = np.random.default_rng(seed)
    places = np.sort(rng.integers(0, len(pcm), 40))
    return np.split(pcm, places)


def shapes(pieces: list[Samples]) -> NDArray[np.float32]:
    visemes = SoundVisemes()
    found = [visemes.feed(piece) for piece in pieces] + [visemes.finish()]
    closures = np.zeros(0)
    first = 0
    for one in found:
        closures = np.append(closures, [first + hop for hop, _ in one.closures])
        first += len(one.targets)
    marks = np.bincount(closures.astype(int), minlength=first).astype(np.float32)
    targets = np.concatenate([one.targets for one in found])
    loudness = np.concatenate([one.loudness for one in found])
    return np.column_stack([targets, loudness, marks])


# ---- the network on a human voice


def test_it_reaches_its_figures_on_a_reader_it_never_heard(speech: list[Spoken]) -> None:
    figures = report(lip_network(), speech, 0.4)
    assert len(speech) == 5
    assert float(str(figures["groups"])) >= 0.68
    assert float(str(figures["correlation jaw"])) >= 0.84
    assert float(str(figures["correlation press"])) >= 0.7


def test_the_frames_shut_the_lips_for_p_b_m_and_hardly_elsewhere(speech: list[Spoken]) -> None:
    figures = frame_report(speech)
    met, wanted = str(figures["frames: P/B/M met"]).split(" ")[0].split("/")
    assert int(wanted) == 29
    assert int(met) / int(wanted) >= 0.9
    assert float(str(figures["frames: false closures"]).split(" ")[0]) <= 0.2
    assert float(str(figures["frames: correlation jaw"])) >= 0.78
    assert 0.8 < float(str(figures["frames: jaw's movement by that of the labels"])) < 1.3


def test_the_same_sound_gives_the_same_levels_at_every_rate() -> None:
    rng = np.random.default_rng(3)
    narrow = np.asarray(soxr.resample(rng.normal(0, 4000, 16_000), 16_000, 12_000), np.float64)
    low, high = (
        MelEnergies(rate).feed(np.asarray(soxr.resample(narrow, 12_000, rate), np.int16))
        for rate in (16_000, 48_000)
    )
    below = slice(0, BANDS - 10)  # the sound ends at 6 kHz
    apart = 10 * np.abs(np.log10(low[5:90, below] / high[5:90, below]))
    assert np.median(apart) < 0.1
    assert apart.mean() < 0.3


def test_the_weights_are_small_and_the_look_ahead_short() -> None:
    assert WEIGHTS.stat().st_size < 400_000
    assert look_ahead_seconds() <= 0.08


# ---- streams


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_how_the_sound_is_cut_does_not_matter(speech: list[Spoken], seed: int) -> None:
    pcm = at_media_rate(speech[1].pcm)
    whole, pieces = shapes([pcm]), shapes(cuts(pcm, seed))
    assert len(whole) == -(-len(pcm) // 480)
    assert np.abs(whole - pieces).max() < 1e-4


def test_hops_are_known_as_early_as_promised(speech: list[Spoken]) -> None:
    pcm = at_media_rate(speech[0].pcm)
    visemes = SoundVisemes()
    known = fed = 0
    for piece in np.split(pcm, range(960, len(pcm), 960)):
        fed += len(piece)
        known += len(visemes.feed(piece).targets)
        promised = int((fed / MEDIA_RATE - look_ahead_seconds()) * 100 + 1e-6) + 1
        assert known >= promised


def test_streamed_frames_wait_for_at_most_80_ms_and_equal_those_of_the_whole(speech: list[Spoken]) -> None:
    pcm = at_media_rate(speech[3].pcm)
    whole = shown(Speech(pcm, MEDIA_RATE))
    performance = Performance("turn", 0)
    frames: list[NDArray[np.float32]] = []
    fed = 0
    for piece in cuts(pcm, 5):
        performance.add(sound(piece, ends_sentence=False), fed / MEDIA_RATE)
        fed += len(piece)
        decided = max(0, performance.decided_frames)
        assert decided >= fed // SAMPLES_PER_FRAME - 2
        while len(frames) < min(decided, fed // SAMPLES_PER_FRAME):
            frames.append(performance.next(len(frames)).mouth)
    assert len(frames) >= len(whole) - 3
    smile = PARAMETERS.index("smile")
    apart = np.abs(np.array(frames) - whole[: len(frames)])
    assert np.delete(apart, smile, axis=1).max() < 1e-3


def test_the_end_of_a_sentence_decides_all_its_frames(speech: list[Spoken]) -> None:
    pcm = at_media_rate(speech[1].pcm)
    performance = Performance("turn", 0)
    performance.add(sound(pcm[:30_000], ends_sentence=False), 0.0)
    assert performance.decided_frames < 16
    performance.add(sound(pcm[30_000:], ends_sentence=True), 30_000 / MEDIA_RATE)
    assert performance.decided_frames > len(pcm) // SAMPLES_PER_FRAME


# ---- what is no speech


def test_the_mouth_rests_in_silence() -> None:
    mouth = np.abs(shown(sound(np.zeros(MEDIA_RATE, np.int16))))
    assert mouth[:, JAW].max() < 0.01
    assert mouth.max() < 0.1


@pytest.mark.parametrize("kind", ["noise", "quiet noise", "sweep", "cough"])
def test_other_sounds_do_not_make_it_chatter(kind: str, speech: list[Spoken]) -> None:
    rng = np.random.default_rng(0)
    time = np.arange(3 * MEDIA_RATE) / MEDIA_RATE
    noise = rng.normal(size=len(time))
    burst = ((time > 1) & (time < 1.25)) * np.exp(-(time - 1) * 12)
    waves = {
        "noise": 3000 * noise,
        "quiet noise": 60 * noise,
        "sweep": 8000 * np.sin(2 * np.pi * (100 * time + 650 * time**2)),
        "cough": 9000 * noise * burst,
    }
    jaw = shown(sound(np.asarray(np.clip(waves[kind], -32_767, 32_767), np.int16)))[:, JAW]
    talking = shown(as_speech(speech[0], timed=False))[:, JAW]
    assert np.abs(np.diff(jaw)).mean() < 0.4 * np.abs(np.diff(talking)).mean()
    assert jaw.mean() < talking.mean()


def test_a_hum_keeps_the_lips_closed() -> None:
    assert shown(sound(voice(MEDIA_RATE)))[:, JAW].mean() < 0.25


# ---- pictures


@pytest.fixture
async def face() -> AsyncIterator[PortraitFace]:
    renderer = PortraitRenderer(PortraitConfig(render_threads=1))
    manifest = json.loads((DEMO / "manifest.json").read_text())
    yield await renderer.open(bundle(DEMO, 512, 640, manifest))
    await renderer.aclose()


async def test_the_rendered_mouth_follows_the_voice(face: PortraitFace, speech: list[Spoken]) -> None:
    heard = frames_of(await rendered(face, as_speech(speech[1], timed=False)))
    known = frames_of(await rendered(face, as_speech(speech[1], timed=True)))
    assert len(heard) == len(known)
    by_sound, by_labels = (np.array([darkness(frame) for frame in frames]) for frames in (heard, known))
    assert np.corrcoef(by_sound, by_labels)[0, 1] > 0.75
    assert by_sound.max() > 3 * by_sound[0], "and it opens"
    assert by_sound[-1] == pytest.approx(by_labels[-1], abs=0.01), "both end with the mouth shut"
