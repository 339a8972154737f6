"""Films open anywhere, in sync to the sample, marked as AI-generated, and however their writing ended."""

import shutil
from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree

import av
import numpy as np
import pytest

from opentalking.core.media import FPS, I420, MEDIA_RATE, SAMPLES_PER_FRAME, Samples
from opentalking.media.movie import MovieWriter
from opentalking.media.provenance import DIGITAL_SOURCE_TYPE, Provenance
from tests.support.films import boxes, full_disk, read_film, xmp_of

SIZE = (96, 64)
PROVENANCE = Provenance("A <b> & c\x00 题", datetime(2026, 11, 26, 12, tzinfo=UTC))


def picture(luma: int) -> I420:
    plane = np.full((SIZE[1] * 3 // 2, SIZE[0]), 128, np.uint8)
    plane[: SIZE[1]] = luma
    return plane


def noise(seed: int) -> I420:
    return np.random.default_rng(seed).integers(16, 235, (SIZE[1] * 3 // 2, SIZE[0])).astype(np.uint8)


def silence(frames: int) -> Samples:
    return np.zeros(frames * SAMPLES_PER_FRAME, np.int16)


def clap(frames: int, at: tuple[int, ...]) -> tuple[list[I420], Samples]:
    """White pictures and, from their first sample on, 5 ms of noise, at these frames."""
    pictures, sound = [picture(235 if index in at else 16) for index in range(frames)], silence(frames)
    for index in at:
        start = index * SAMPLES_PER_FRAME
        sound[start : start + 240] = np.random.default_rng(index).integers(-20_000, 20_000, 240)
    return pictures, sound


def write_noise(film: MovieWriter, frames: int) -> None:
    for index in range(frames):
        film.write([noise(index)], silence(1))


def write_clap(path: Path, frames: int, at: tuple[int, ...]) -> None:
    """In pieces of changing length, as a session writes them."""
    pictures, sound = clap(frames, at)
    film = MovieWriter(path, SIZE, provenance=PROVENANCE)
    start = 0
    while start < frames:
        end = min(frames, start + 1 + start % 7)
        film.write(pictures[start:end], sound[start * SAMPLES_PER_FRAME : end * SAMPLES_PER_FRAME])
        start = end
    assert film.seconds == frames / FPS
    film.close()
    assert film.bytes_written == path.stat().st_size


def test_flash_and_click_stay_together_from_the_first_second_to_the_last(tmp_path: Path) -> None:
    at = (10, 333, 1480)
    write_clap(tmp_path / "clap.mp4", 1500, at)
    film = read_film(tmp_path / "clap.mp4")
    assert film.codecs == ["h264", "aac"]
    assert film.duration == 60.0
    assert np.array_equal(np.round(film.times * FPS, 6), np.arange(1500))
    flashes, clicks = film.flashes(), film.clicks()
    assert flashes == [index / FPS for index in at]
    assert len(clicks) == len(at)
    offsets = np.array(clicks) - np.array(flashes)
    print(f"A/V offset {np.abs(offsets).max() * 1000:.2f} ms")
    assert np.abs(offsets).max() < 0.003
    assert abs(len(film.sound) / film.rate - 60.0) < 0.022


def test_a_key_frame_comes_every_two_seconds(tmp_path: Path) -> None:
    write_clap(tmp_path / "clap.mp4", 260, (10,))
    keys = read_film(tmp_path / "clap.mp4").key_times
    assert keys[0] == 0
    assert max(np.diff([*keys, 260 / FPS])) <= 2.0 + 1e-9


def test_the_file_of_a_killed_writer_plays_up_to_its_last_second(tmp_path: Path) -> None:
    film = MovieWriter(tmp_path / "film.mp4", SIZE, provenance=PROVENANCE)
    write_noise(film, 7 * FPS)
    shutil.copy(tmp_path / "film.mp4", tmp_path / "killed.mp4")
    film.close()
    killed = read_film(tmp_path / "killed.mp4")
    assert killed.duration >= 5.5
    assert len(killed.times) >= 5.5 * FPS
    assert len(killed.sound) >= 5.5 * MEDIA_RATE
    assert DIGITAL_SOURCE_TYPE in xmp_of(tmp_path / "killed.mp4")


def test_a_finished_film_has_one_index_and_can_be_sought(tmp_path: Path) -> None:
    write_clap(tmp_path / "clap.mp4", 200, (10,))
    kinds = [kind for kind, _ in boxes((tmp_path / "clap.mp4").read_bytes())]
    assert kinds[:2] == ["ftyp", "uuid"]
    assert kinds.count("moov") == 1
    assert "moof" not in kinds
    with av.open(str(tmp_path / "clap.mp4")) as container:
        container.seek(5 * av.time_base)
        frame = next(container.decode(video=0))
        assert frame.time == 4.0, "the key frame before"


def test_machines_read_that_it_is_ai_generated(tmp_path: Path) -> None:
    write_clap(tmp_path / "clap.mp4", 30, (10,))
    root = ElementTree.fromstring(xmp_of(tmp_path / "clap.mp4").partition("?>")[2])  # noqa: S314
    source = root.find(".//{http://iptc.org/std/Iptc4xmpExt/2008-02-29/}DigitalSourceType")
    assert source is not None
    assert source.text == "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
    title = next(root.iter("{http://www.w3.org/1999/02/22-rdf-syntax-ns#}li"))
    assert title.text == "A <b> & c 题"
    tags = read_film(tmp_path / "clap.mp4").tags
    assert tags["title"] == "A <b> & c 题"
    assert tags["comment"].startswith("AI-generated")
    assert tags["creation_time"].startswith("2026-11-26T12:00:00")
    assert PROVENANCE.as_json()["digital_source_type"] == source.text


def test_a_film_may_be_silent_or_sound_alone(tmp_path: Path) -> None:
    pictures, sound = clap(60, (30,))
    silent = MovieWriter(tmp_path / "silent.mp4", SIZE, sound=False, provenance=PROVENANCE)
    silent.write(pictures, sound[:0])
    silent.close()
    heard = MovieWriter(tmp_path / "heard.mp4", None, provenance=PROVENANCE)
    heard.write([], sound)
    heard.close()
    assert read_film(tmp_path / "silent.mp4").flashes() == [30 / FPS]
    assert len(read_film(tmp_path / "silent.mp4").sound) == 0
    assert read_film(tmp_path / "heard.mp4").clicks() == pytest.approx([30 / FPS], abs=0.003)
    assert DIGITAL_SOURCE_TYPE in xmp_of(tmp_path / "heard.mp4")


def test_what_does_not_fit_is_refused(tmp_path: Path) -> None:
    film = MovieWriter(tmp_path / "film.mp4", SIZE, provenance=PROVENANCE)
    with pytest.raises(ValueError, match="do not last"):
        film.write([picture(16)], silence(2))
    with pytest.raises(ValueError, match="a picture of"):
        film.write([picture(16)[:, :-2]], silence(1))
    film.write([picture(16)], silence(1))
    film.close()
    assert read_film(tmp_path / "film.mp4").duration == pytest.approx(1 / FPS)


def test_a_film_of_nothing_can_be_closed(tmp_path: Path) -> None:
    MovieWriter(tmp_path / "film.mp4", SIZE, provenance=PROVENANCE).close()


def test_a_full_disk_is_an_error_and_what_was_written_stays(tmp_path: Path) -> None:
    film = MovieWriter(tmp_path / "film.mp4", SIZE, provenance=PROVENANCE)
    with full_disk(200_000):
        with pytest.raises(OSError, match="File too large"):
            write_noise(film, 1000)
        film.close()
    assert read_film(tmp_path / "film.mp4").duration >= 1.0


def test_a_missing_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        MovieWriter(tmp_path / "nowhere" / "film.mp4", SIZE, provenance=PROVENANCE)
