"""Old and excess recordings and bundles go, oldest first; what is being written and all else stays."""

import asyncio
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from opentalking.services.retention import Retention, RetentionLimits

NOW = 1_000_000_000.0
HOUR = 3600.0
DAY = RetentionLimits(seconds=24 * HOUR, bytes=0)


def recording(root: Path, session: str, hours: float, size: int = 1000) -> Path:
    folder = root / session
    folder.mkdir(parents=True, exist_ok=True)
    for suffix in ("mp4", "vtt", "json"):
        _file(folder / f"recording.{suffix}", hours, size if suffix == "mp4" else 0)
    return folder


def bundle(root: Path, session: str, job: str, hours: float, size: int = 1000) -> Path:
    folder = root / session / "bundles" / job
    folder.mkdir(parents=True)
    _file(folder / "bundle.mp4", hours, size)
    os.utime(folder, (NOW - hours * HOUR,) * 2)
    return folder


def _file(path: Path, hours: float, size: int) -> None:
    path.write_bytes(bytes(size))
    os.utime(path, (NOW - hours * HOUR,) * 2)


def left(root: Path) -> set[str]:
    return {str(path.relative_to(root)) for path in root.rglob("*")}


async def test_what_is_too_old_goes_with_its_folders_and_nothing_else(tmp_path: Path) -> None:
    recording(tmp_path, "old", 25)
    recording(tmp_path, "new", 23)
    bundle(tmp_path, "old", "job", 30)
    bundle(tmp_path, "new", "old-job", 30)
    bundle(tmp_path, "new", "new-job", 1)
    _file(tmp_path / "notes.txt", 1000, 10)
    (tmp_path / "other").mkdir()
    _file(tmp_path / "other" / "mine.mp4", 1000, 10)
    outside = tmp_path.parent / "outside"
    recording(tmp_path.parent, "outside", 1000)
    (tmp_path / "link").symlink_to(outside)
    assert await Retention(tmp_path, DAY, time=lambda: NOW).sweep() == 3
    assert left(tmp_path) == {
        "new",
        *(f"new/recording.{suffix}" for suffix in ("mp4", "vtt", "json")),
        *("new/bundles", "new/bundles/new-job", "new/bundles/new-job/bundle.mp4"),
        *("notes.txt", "other", "other/mine.mp4", "link"),
    }
    assert (outside / "recording.mp4").exists()


async def test_what_is_too_much_goes_from_the_oldest_on(tmp_path: Path) -> None:
    for hours in (5, 4, 3, 2):
        recording(tmp_path, f"s{hours}", hours)
    bundle(tmp_path, "b", "job", 6)
    limits = RetentionLimits(seconds=0, bytes=3500)
    assert await Retention(tmp_path, limits, time=lambda: NOW).sweep() == 2
    assert {name for name in left(tmp_path) if "/" not in name} == {"s4", "s3", "s2"}


async def test_what_is_written_or_waited_for_stays(tmp_path: Path) -> None:
    written = recording(tmp_path, "written", 0.05)
    waiting = bundle(tmp_path, "waiting", "job", 50)
    old = recording(tmp_path, "old", 50)
    limits = RetentionLimits(seconds=60, bytes=1)
    retention = Retention(tmp_path, limits, in_use=lambda: [waiting], time=lambda: NOW)
    assert await retention.sweep() == 1
    assert written.exists()
    assert waiting.exists()
    assert not old.exists()


@contextmanager
def nobodys_folder() -> Iterator[Path]:
    """A folder for which file permissions count, also where the tests run as root."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o777)
        user = os.geteuid()
        if not user:
            os.seteuid(65534)
        try:
            yield Path(folder)
        finally:
            os.seteuid(user)


async def test_what_cannot_be_deleted_or_read_does_not_keep_the_rest() -> None:
    with nobodys_folder() as root:
        fixed = recording(root, "fixed", 60)
        closed = bundle(root, "closed", "job", 55).parent.parent
        old = recording(root, "old", 50)
        old_job = bundle(root, "old", "job", 50)
        fixed.chmod(0o500)
        closed.chmod(0o000)
        retention = Retention(root, DAY, time=lambda: NOW)
        try:
            assert await retention.sweep() == 2
        finally:
            fixed.chmod(0o700)
            closed.chmod(0o700)
        assert not old.exists()
        assert not old_job.exists()
        assert await retention.sweep() == 2


async def test_bundles_that_are_linked_from_elsewhere_stay(tmp_path: Path) -> None:
    job = bundle(tmp_path / "outside", "s", "job", 50)
    root = tmp_path / "recordings"
    recording(root, "s", 1)
    (root / "s" / "bundles").symlink_to(job.parent)
    assert await Retention(root, DAY, time=lambda: NOW).sweep() == 0
    assert job.exists()


async def test_limits_of_zero_keep_everything(tmp_path: Path) -> None:
    recording(tmp_path, "old", 10_000)
    assert await Retention(tmp_path, RetentionLimits(0, 0), time=lambda: NOW).sweep() == 0


async def test_it_sweeps_at_the_start_and_then_every_hour(tmp_path: Path) -> None:
    clock, slept, also = [NOW], list[float](), list[float]()
    folder = recording(tmp_path, "s", 23.5)

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        clock[0] += seconds
        if len(slept) == 2:
            raise asyncio.CancelledError

    async def too() -> None:
        also.append(clock[0])
        assert folder.exists() == (len(also) == 1)

    retention = Retention(tmp_path, DAY, also=[too], time=lambda: clock[0], sleep=sleep)
    with pytest.raises(asyncio.CancelledError):
        await retention.run()
    assert slept == [HOUR, HOUR]
    assert also == [NOW, NOW + HOUR]


async def test_a_folder_that_is_not_there_or_cannot_be_read_is_no_failure(tmp_path: Path) -> None:
    assert await Retention(tmp_path / "nowhere", DAY).sweep() == 0
