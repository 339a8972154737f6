"""What a talking face does over time: lips, lids, gaze, brows and head, as numbers and as frames."""

import dataclasses
import json
from collections.abc import AsyncIterator, Sequence
from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray

from opentalking.core.avatars import AvatarBundle
from opentalking.core.conversation import EMOTIONS, Emotion
from opentalking.core.media import FPS, MEDIA_RATE, Speech
from opentalking.providers.render.portrait import PortraitConfig, PortraitFace, PortraitRenderer, anatomy
from opentalking.providers.render.portrait.acting.accents import StressFinder
from opentalking.providers.render.portrait.acting.articulation import HOP_SECONDS, Articulation, LoudnessMeter
from opentalking.providers.render.portrait.acting.bearing import idle_bearing
from opentalking.providers.render.portrait.acting.motion import IDLE_FRAMES, USUAL, idle_expression, idle_pose
from opentalking.providers.render.portrait.acting.performance import Performance, Shown
from opentalking.providers.render.portrait.landmarks import FaceFinder
from opentalking.providers.render.portrait.planes import to_bgr
from opentalking.providers.render.visemes import PARAMETERS
from tests.support.portraits import DEMO, bundle, darkness, eye_white, frames_of, rendered, spoken

JAW, WIDE, PUCKER, PRESS = (PARAMETERS.index(name) for name in ("jaw", "wide", "pucker", "press"))
TAIL = 10
SENTENCE = [
    ("", 0.1), ("ð", 0.05), ("ə", 0.05), ("k", 0.07), ("w", 0.06), ("ɪ", 0.09), ("k", 0.08), ("b", 0.07),
    ("ɹ", 0.05), ("aʊ", 0.18), ("n", 0.07), ("f", 0.09), ("ɑː", 0.16), ("k", 0.06), ("s", 0.09), ("dʒ", 0.08),
    ("ʌ", 0.11), ("m", 0.07), ("p", 0.06), ("t", 0.05), ("oʊ", 0.15), ("v", 0.06), ("ɚ", 0.13), ("", 0.1),
]  # fmt: skip


def bundle_of_demo() -> AvatarBundle:
    return bundle(DEMO, 512, 640, json.loads((DEMO / "manifest.json").read_text()))


def louder(speech: Speech, levels: Sequence[float]) -> Speech:
    """`speech` with a level for each phoneme."""
    pcm = speech.pcm.astype(np.float64)
    for phoneme, level in zip(speech.phonemes, levels, strict=True):
        pcm[round(phoneme.start_seconds * MEDIA_RATE) : round(phoneme.end_seconds * MEDIA_RATE)] *= level
    return dataclasses.replace(speech, pcm=pcm.astype(np.int16))


def performed(*pieces: Speech, seed: str = "turn", position: int = 0, tail: int = TAIL) -> list[Shown]:
    """A whole turn of a `Performance`; pieces are padded to whole frames only where a sentence ends."""
    performance = Performance(seed, position)
    now, shown, frame = 0.0, [], 0
    for piece in pieces:
        performance.add(piece, now)
        now += piece.seconds
        if piece.ends_sentence:
            now = np.ceil(now * FPS - 1e-9) / FPS
        while (frame + 1) / FPS <= now + 1e-9:
            shown.append(performance.next(frame))
            frame += 1
    performance.end(frame, tail)
    return shown + [performance.next(frame + k) for k in range(tail)]


def track(shown: Sequence[Shown]) -> dict[str, NDArray[np.float64]]:
    """Every slow movement over time."""
    tracks = {
        name: np.array([getattr(one.expression, name) for one in shown])
        for name in ("gaze_x", "gaze_y", "brow_rise", "brow_slant")
    }
    for name in ("shift_y", "roll", "yaw", "pitch"):
        tracks[name] = np.array([getattr(one.pose, name) for one in shown])
    return tracks


def mouths(speech: Speech) -> NDArray[np.float32]:
    articulation = Articulation()
    articulation.add(speech, 0.0)
    return np.array([articulation.next_frame(k)[0] for k in range(int(speech.seconds * FPS) + 6)])


# ---- lips


def test_a_rounded_vowel_is_prepared_before_its_consonants() -> None:
    cluster = [("", 0.1), ("s", 0.10), ("t", 0.05)]
    rounded = mouths(spoken([*cluster, ("uː", 0.16), ("", 0.2)]))
    spread = mouths(spoken([*cluster, ("iː", 0.16), ("", 0.2)]))
    in_s = 3  # 0.14 s, a tenth of a second before the vowel
    assert rounded[in_s, PUCKER] > 0.2
    assert spread[in_s, PUCKER] < 0.1
    assert spread[in_s, WIDE] > rounded[in_s, WIDE] + 0.1
    assert rounded[8, PUCKER] > 0.6


@pytest.mark.parametrize("consonant", ["t", "d", "n", "l"])
def test_a_tongue_tip_does_not_snap_the_jaw_shut(consonant: str) -> None:
    jaw = mouths(spoken([("", 0.2), ("ɑ", 0.14), (consonant, 0.07), ("ɑ", 0.14), ("", 0.2)]))[:, JAW]
    vowels, between = jaw[4:7].max(), jaw[8:10].min()
    assert 0.45 < between < 0.95 * vowels


@pytest.mark.parametrize(
    ("consonant", "part"), [("p", "press"), ("b", "press"), ("m", "press"), ("f", "tuck"), ("v", "tuck")]
)
@pytest.mark.parametrize("vowel", ["ɑ", "i", "u", "ɔ"])
def test_lips_that_must_meet_do(consonant: str, part: str, vowel: str) -> None:
    for offset in (0.0, 0.01, 0.02, 0.03):
        shown = mouths(spoken([("", 0.2 + offset), (vowel, 0.1), (consonant, 0.06), (vowel, 0.1), ("", 0.2)]))
        nearest = round((0.33 + offset) * FPS - 0.5)
        closest = int(np.abs(shown[:, PARAMETERS.index(part)] - 1).argmin())
        assert abs(closest - nearest) <= 1
        assert shown[closest, PARAMETERS.index(part)] > 0.98
        assert shown[closest, JAW] < 0.08


def test_pieces_of_a_sentence_give_the_same_mouth_as_the_whole() -> None:
    whole = spoken(SENTENCE)
    cut = 11  # before the f of "fox", inside the sentence
    first, second = spoken(SENTENCE[:cut], ends_sentence=False), spoken(SENTENCE[cut:])
    in_one = np.array([one.mouth for one in performed(whole)])
    in_two = np.array([one.mouth for one in performed(first, second)])
    count = min(len(in_one), len(in_two))
    apart = np.abs(in_one[:count] - in_two[:count])
    assert apart.mean() < 0.02
    joint = int(first.seconds * FPS)
    assert np.delete(apart, range(joint - 4, joint + 4), axis=0).max() < 0.12


def test_lips_forget_what_was_said_before_sound_without_phonemes() -> None:
    after = []
    for vowel in ("uː", "ɑː"):
        pause = Speech(np.zeros(MEDIA_RATE, np.int16), MEDIA_RATE, ends_sentence=False)
        pieces = [spoken([(vowel, 0.4)], ends_sentence=False), pause, spoken([("iː", 0.4)])]
        after.append(np.array([one.mouth for one in performed(*pieces)])[-20:])
    assert np.abs(after[0] - after[1]).max() < 0.02


def test_sound_of_which_nothing_is_decided_yet_stays_in_its_place() -> None:
    articulation = Articulation()
    articulation.add(spoken([("ɑ", 2.0)], ends_sentence=False), 0.0)
    hardly = Speech(np.zeros(960, np.int16), MEDIA_RATE, ends_sentence=False)
    articulation.add(hardly, 2.0)
    decided = articulation.decided_frames
    for frame in range(decided):
        articulation.next_frame(frame)
    assert articulation.decided_frames == decided == 49


def test_the_mouth_never_jumps() -> None:
    pieces = [spoken(SENTENCE, ends_sentence=k % 2 == 1) for k in range(6)]
    mouth = np.array([one.mouth for one in performed(*pieces)])
    must_close = np.array([name in ("press", "tuck", "jaw") for name in PARAMETERS])
    speed = np.abs(np.diff(mouth, axis=0)).max(0)
    assert (speed[must_close] < 0.85).all(), "closures are quick"
    assert (speed[~must_close] < 0.5).all()


# ---- brows, gaze and head


LIMITS = {
    "brow_rise": (0.13, 0.11), "brow_slant": (0.11, 0.09), "shift_y": (0.35, 0.35), "roll": (0.004, 0.0045),
    "yaw": (0.5, 0.5), "pitch": (0.65, 0.65), "gaze_x": (0.9, 0.9), "gaze_y": (0.5, 0.6),
}  # fmt: skip
"""Largest change, and change of the change, between two frames; 2.4 times that where emotions change."""


@pytest.mark.parametrize(
    "emotions", [["neutral"] * 6, ["happy", "sad", "surprised", "serious", "neutral", "happy"]]
)
def test_nothing_jitters_at_joints(emotions: list[Emotion]) -> None:
    for number in range(6):
        pieces = [
            dataclasses.replace(spoken(SENTENCE, ends_sentence=k % 2 == 1), emotion=emotion)
            for k, emotion in enumerate(emotions)
        ]
        position = 31 * number
        shown = performed(*pieces, seed=f"turn-{number}", position=position)
        before, after = idle_pose(position - 1), idle_pose(position + len(shown))
        for name, values in track(shown).items():
            is_pose = name in ("shift_y", "roll", "yaw", "pitch")
            path = np.r_[getattr(before, name), values, getattr(after, name)] if is_pose else values
            most, sharpest = np.array(LIMITS[name]) * (1 if emotions[0] == "neutral" else 2.4)
            assert np.abs(np.diff(path)).max() < most, name
            assert np.abs(np.diff(path, 2)).max() < sharpest, name


@pytest.mark.parametrize("emotion", EMOTIONS)
def test_a_turn_ends_as_the_idle_loop_goes_on(emotion: Emotion) -> None:
    piece = dataclasses.replace(spoken(SENTENCE), emotion=emotion)
    shown = performed(piece, position=40)
    last = shown[-1]
    assert not last.mouth.any()
    assert last.shut < 0.08, "no step of the lids"
    assert last.pose == idle_pose(40 + len(shown) - 1)
    assert np.allclose(
        [
            last.expression.gaze_x,
            last.expression.gaze_y,
            last.expression.brow_rise,
            last.expression.brow_slant,
        ],
        idle_bearing(40 + len(shown) - 1)[:4],
    )


def test_stressed_syllables_raise_the_brows_and_nod() -> None:
    weak, strong = ("ə", 0.06), ("ɑː", 0.2)
    phonemes = [("", 0.4), *[("t", 0.05), weak] * 6, ("b", 0.06), strong, *[("t", 0.05), weak] * 8, ("", 0.3)]
    levels = [1.0 if one in (strong, ("b", 0.06)) else 0.03 for one in phonemes]
    speech = louder(spoken(phonemes), levels)
    at = next(one for one in speech.phonemes if one.symbol == "ɑː")
    found = StressFinder().find(speech.phonemes, LoudnessMeter().measure(speech.pcm), HOP_SECONDS)
    accent = max(found, key=lambda one: one.weight)
    assert all(one.weight < 0.5 * accent.weight for one in found if one is not accent)
    assert at.start_seconds < accent.at < at.end_seconds
    quiet = spoken([("", speech.seconds)])
    brows, nods = [], []
    for number in range(24):
        with_stress, without = (
            track(performed(one, seed=f"turn-{number}", tail=0)) for one in (speech, quiet)
        )
        brows.append(with_stress["brow_rise"] - without["brow_rise"])
        nods.append(with_stress["pitch"] - without["pitch"])
    near = slice(int(accent.at * FPS) - 2, int(accent.at * FPS) + 5)
    far = slice(5, int(accent.at * FPS) - 8)
    assert np.mean(brows, 0)[near].max() > np.mean(brows, 0)[far].max() + 0.1
    assert np.mean(nods, 0)[near].max() > np.mean(nods, 0)[far].max() + 0.3


def test_eyes_look_at_the_camera_mostly_and_elsewhere_now_and_then() -> None:
    aside, looks = 0, []
    for number in range(10):
        shown = performed(*[spoken(SENTENCE * 3)] * 3, seed=f"turn-{number}")
        gaze = np.array([(one.expression.gaze_x, one.expression.gaze_y) for one in shown])
        away = np.hypot(*gaze.T) > 0.25
        looks.append(away.mean())
        aside += int(away.any())
        assert np.abs(gaze).max() < 0.75
        assert len(np.unique(np.round(gaze[~away, 0], 2))) > 3, "never quite still"
    assert 0.02 < np.mean(looks) < 0.35
    assert aside >= 5


# ---- lids


def starts_of(lids: Sequence[float]) -> list[int]:
    """Frames at which a blink begins: lids half shut that were open before."""
    return [k for k, (a, b) in enumerate(pairwise([0.0, *lids])) if a < 0.3 <= b]


def test_blinks_of_a_talking_face_vary() -> None:
    gaps, lengths, pairs = [], [], 0
    for number in range(8):
        shown = performed(*[spoken(SENTENCE * 6)] * 4, seed=f"turn-{number}")
        lids = [one.shut for one in shown]
        starts = starts_of(lids)
        for a, b in pairwise(starts):
            if b - a <= 8:
                pairs += 1
            else:
                gaps.append((b - a) / FPS)
        lengths += [next(n for n in range(20) if lids[k + n] < 0.1) for k in starts[:-1]]
    assert min(gaps) > 1.65, "the end of one to the beginning of the next, half shut to half shut"
    assert max(gaps) < 6.4
    assert np.std(gaps) > 0.5
    assert 4 <= min(lengths) < max(lengths) <= 9
    assert 0 < pairs < len(gaps)


def test_blinks_come_rather_at_the_ends_of_phrases() -> None:
    """Counted over turns whose phrases end every 2.3 s."""
    near = total = 0
    for number in range(30):
        phrase = spoken([*[("t", 0.05), ("ɑ", 0.15)] * 10, ("", 0.3)])
        shown = performed(*[phrase] * 6, seed=f"turn-{number}")
        for start in starts_of([one.shut for one in shown]):
            total += 1
            near += int((start / FPS - 1.95) % 2.3 < 0.35)
    assert near / total > 0.35, "0.15 by chance"


def test_idle_blinks_are_two_to_six_seconds_apart_with_a_pair_and_three_lengths() -> None:
    lids = [USUAL.shut(k) for k in range(IDLE_FRAMES)]
    starts = starts_of(lids)
    gaps = [(b - a) / FPS for a, b in pairwise([*starts, starts[0] + IDLE_FRAMES])]
    assert sum(gap < 0.4 for gap in gaps) == 1
    assert all(2 <= gap <= 6 for gap in gaps if gap >= 0.4)
    lengths = {next(n for n in range(12) if lids[(k + n) % IDLE_FRAMES] == 0) for k in starts}
    assert len(lengths) == 3
    assert all(USUAL.shut(k) == 0 for second in range(8) for k in range(25 * second - 4, 25 * second + 5))


def test_idle_eyes_and_brows_are_alive_and_seamless() -> None:
    loop = [idle_expression(k) for k in range(IDLE_FRAMES + 1)]
    assert loop[0] == loop[-1]
    gaze = np.array([one.gaze_x for one in loop])
    assert np.abs(gaze).max() > 0.2
    assert np.median(np.abs(gaze)) < 0.1
    brows = np.array([one.brow_rise for one in loop])
    assert 0.05 < np.ptp(brows) < 0.3
    assert np.abs(np.diff(brows)).max() < 0.02


# ---- frames


@pytest.fixture(scope="module")
def finder() -> FaceFinder:
    return FaceFinder()


@pytest.fixture
async def face() -> AsyncIterator[PortraitFace]:
    renderer = PortraitRenderer(PortraitConfig(render_threads=1))
    yield await renderer.open(bundle_of_demo())
    await renderer.aclose()


async def test_every_emotion_shows_and_ends_with_a_shut_mouth(face: PortraitFace, finder: FaceFinder) -> None:
    corners: dict[str, float] = {}
    brows: dict[str, float] = {}
    slants: dict[str, float] = {}
    for emotion in EMOTIONS:
        piece = dataclasses.replace(spoken([("", 0.2), ("m", 0.8), ("", 0.2)]), emotion=emotion)
        frames = frames_of(await rendered(face, piece))
        assert darkness(frames[-1]) < 0.02
        points = finder.find(np.ascontiguousarray(to_bgr(frames[20])))
        assert points is not None
        place = anatomy.measure(points)
        middle = place.local(points[[13, 14]])[:, 1].mean()
        corners[emotion] = middle - place.local(points[list(anatomy.CORNERS)])[:, 1].mean()
        rows = [
            points[list(brow), 1] - points[list(upper), 1].mean()
            for brow, (upper, _) in zip(anatomy.BROWS, anatomy.EYES, strict=True)
        ]
        brows[emotion] = -float(np.mean(rows))
        slants[emotion] = float(np.mean([row[[0, 5]].mean() - row[[4, 9]].mean() for row in rows]))
    assert corners["happy"] > corners["neutral"] + 1.5 > corners["sad"] + 3
    assert brows["surprised"] > brows["neutral"] + 1.5 > brows["serious"] + 2
    assert slants["sad"] > slants["neutral"] + 0.8 > slants["serious"] + 1.6


async def test_lips_articulate_under_an_emotion(face: PortraitFace) -> None:
    for emotion in EMOTIONS:
        piece = dataclasses.replace(
            spoken([("", 0.2), ("ɑː", 0.24), ("p", 0.08), ("ɑː", 0.24), ("", 0.2)]), emotion=emotion
        )
        frames = frames_of(await rendered(face, piece))
        assert darkness(frames[8]) > 0.03
        assert darkness(frames[12]) < 0.022


async def test_blinks_are_seen_while_talking(face: PortraitFace) -> None:
    frames = frames_of(await rendered(face, spoken(SENTENCE * 5), idle_position=50))
    shut = [eye_white(frame) < 0.35 * eye_white(frames[0]) for frame in frames]
    starts = [k for k in range(1, len(shut)) if shut[k] and not shut[k - 1]]
    assert 1 <= len(starts) <= 6
    assert not shut[-1]
