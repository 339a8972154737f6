"""Finished mouths: found again, bounded in memory, and rounded so that no step is seen."""

from itertools import pairwise
from pathlib import Path

import numpy as np

from opentalking.providers.render.portrait.expression import Pose
from opentalking.providers.render.portrait.painter import FramePainter, MouthPainter
from opentalking.providers.render.portrait.patches import PatchCache, Rounding
from opentalking.providers.render.portrait.planes import Planes
from opentalking.providers.render.portrait.prepared import PreparedPortrait, load, prepare, save
from opentalking.providers.render.visemes import PARAMETERS, FaceParameters, viseme
from tests.support.photos import FINDER, spectacled

JAW = PARAMETERS.index("jaw")


def portrait() -> PreparedPortrait:
    return prepare(spectacled(), (), FINDER)


def jaw(amount: float) -> FaceParameters:
    face = np.zeros(len(PARAMETERS), np.float32)
    face[JAW] = amount
    return face


def patch(value: int) -> Planes:
    return Planes(np.full((20, 10), value, np.uint8), np.full((10, 5, 2), value, np.uint8))


def test_the_mouths_used_last_are_kept_within_the_limit() -> None:
    cache = PatchCache(max_bytes=900)  # three of them
    for number in range(3):
        cache.put(bytes([number]), patch(number))
    assert cache.get(b"\x00") is not None
    cache.put(b"\x03", patch(3))
    assert cache.get(b"\x01") is None, "the one that nobody asked for longest"
    for key, value in ((b"\x00", 0), (b"\x02", 2), (b"\x03", 3)):
        found = cache.get(key)
        assert found is not None
        assert (found.luma == value).all()
    assert (cache.hits, cache.misses) == (4, 1)


def test_sessions_share_what_one_of_them_painted() -> None:
    shared = portrait()
    open_mouth, shut = viseme("open").target, viseme("closed").target
    first, second = FramePainter(shared), FramePainter(shared)
    one = [first.frame(face, 0, Pose()).copy() for face in (open_mouth, shut)]
    painted = shared.patches.misses
    assert painted == 2
    two = [second.frame(face, 0, Pose()).copy() for face in (open_mouth, shut)]
    assert shared.patches.misses == painted
    assert shared.patches.hits == 2
    assert all(np.array_equal(a, b) for a, b in zip(one, two, strict=True))


def test_a_mouth_from_the_cache_is_the_painted_one() -> None:
    shared = portrait()
    assert shared.mouth is not None
    fresh = MouthPainter(shared.mouth).paint(Rounding(shared.mouth).next(viseme("front").target))
    painter = FramePainter(shared)
    for shape in ("front", "closed", "front"):
        frame = painter.frame(viseme(shape).target, 0, Pose())
    box = shared.mouth
    area = slice(box.top, box.top + box.height), slice(box.left, box.left + box.width)
    assert shared.backdrop is not None
    person = shared.backdrop.cover[area] == 255
    assert person.mean() > 0.7
    assert np.abs(frame[area].astype(int) - fresh.luma)[person].max() <= 2
    assert shared.patches.hits == 1


def test_a_slow_mouth_moves_without_steps() -> None:
    mouth = portrait().mouth
    assert mouth is not None
    rounding = Rounding(mouth)
    amounts = [rounding.next(jaw(share))[JAW] for share in np.linspace(0, 0.5, 60)]
    steps = np.abs(np.diff(amounts))
    assert steps.max() <= 1 / 64 + 1e-6
    assert (steps > 0).mean() > 0.3


def test_a_fast_mouth_is_off_by_less_than_a_pixel() -> None:
    mouth = portrait().mouth
    assert mouth is not None
    rounding = Rounding(mouth)
    reach = float(np.abs(mouth.lower.fields[JAW]).max())
    rng = np.random.default_rng(4)
    wanted = [jaw(share) for share in rng.uniform(0, 1, 200)]
    shown = [rounding.next(face) for face in wanted]
    fast = [k for k, (a, b) in enumerate(pairwise(wanted), 1) if abs(a[JAW] - b[JAW]) * reach > 3]
    assert len(fast) > 100
    assert max(abs(shown[k][JAW] - wanted[k][JAW]) * reach for k in fast) < 1
    assert len({float(shown[k][JAW]) for k in fast}) < 40, "few different mouths"


def test_a_portrait_from_disk_starts_with_an_empty_cache(tmp_path: Path) -> None:
    shared = portrait()
    FramePainter(shared).frame(viseme("open").target, 0, Pose())
    save(shared, tmp_path / "portrait.npz")
    restored = load(tmp_path / "portrait.npz")
    assert restored is not None
    assert (restored.patches.hits, restored.patches.misses) == (0, 0)
    assert restored.backdrop is not None
    assert shared.backdrop is not None
    assert np.array_equal(restored.backdrop.cover, shared.backdrop.cover)
    frames = [
        FramePainter(each).frame(viseme("open").target, 0.5, Pose(yaw=1)) for each in (shared, restored)
    ]
    assert np.array_equal(frames[0], frames[1])
