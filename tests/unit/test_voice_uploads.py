"""Samples under secret addresses, for a time."""

import os
from pathlib import Path

import pytest

from opentalking.catalog.uploads import SampleUploads


class Clock:
    def __init__(self) -> None:
        self.seconds = 1_800_000_000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_a_sample_is_there_for_300_seconds(tmp_path: Path, clock: Clock) -> None:
    uploads = SampleUploads(tmp_path / "u", now=clock)
    token = uploads.put(b"sound")
    assert len(token) == 32
    clock.seconds += 299.9
    assert uploads.read(token) == b"sound"
    clock.seconds += 0.2
    assert uploads.read(token) is None
    assert os.listdir(tmp_path / "u"), "still there, but not served"
    assert uploads.sweep() == 1
    assert os.listdir(tmp_path / "u") == []


def test_its_end_is_known_after_a_restart(tmp_path: Path, clock: Clock) -> None:
    token = SampleUploads(tmp_path, now=clock).put(b"sound")
    clock.seconds += 200
    again = SampleUploads(tmp_path, now=clock)
    assert again.sweep() == 0
    assert again.read(token) == b"sound"
    clock.seconds += 101
    assert again.read(token) is None
    assert again.sweep() == 1


def test_a_clock_set_back_does_not_give_it_more_time(tmp_path: Path, clock: Clock) -> None:
    uploads = SampleUploads(tmp_path, now=clock)
    token = uploads.put(b"sound")
    clock.seconds -= 3600
    assert uploads.read(token) is None
    assert uploads.sweep() == 1


def test_only_the_right_token_opens(tmp_path: Path, clock: Clock) -> None:
    uploads = SampleUploads(tmp_path / "u", now=clock)
    token = uploads.put(b"sound")
    (tmp_path / "secret.wav").write_bytes(b"secret")
    wrong = [
        token[:-1],
        token + "0",
        token.upper() if token.upper() != token else "A" * 32,
        "*" * 32,
        "?" * 32,
        "[0-9a-f]" * 4,
        "../secret",
        f"../{token}"[:32],
        token[:31] + "\n",
        token + "\n",
        "",
        "0" * 32,
        "٠" * 32,
    ]
    assert [uploads.read(text) for text in wrong] == [None] * len(wrong)
    for text in wrong:
        uploads.drop(text)
    assert uploads.read(token) == b"sound"
    uploads.drop(token)
    uploads.drop(token)
    assert uploads.read(token) is None


def test_nobody_else_on_the_machine_can_read_them(tmp_path: Path) -> None:
    folder = tmp_path / "u"
    SampleUploads(folder).put(b"sound")
    assert folder.stat().st_mode & 0o077 == 0
    assert next(folder.iterdir()).stat().st_mode & 0o077 == 0


def test_leftovers_of_a_crash_are_swept_when_they_are_old(tmp_path: Path, clock: Clock) -> None:
    partial = tmp_path / "x.part"
    partial.write_bytes(b"half")
    os.utime(partial, (clock.seconds, clock.seconds))
    uploads = SampleUploads(tmp_path, now=clock)
    assert uploads.sweep() == 0, "it may be written just now"
    clock.seconds += 301
    assert uploads.sweep() == 1
    assert SampleUploads(tmp_path / "missing").sweep() == 0
