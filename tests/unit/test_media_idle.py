"""The idle loop: keys, nearest key, cache in memory and on disk."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from opentalking.core.media import I420
from opentalking.media.encoder import EncodedFrame, VideoCodec
from opentalking.media.idle import IdleCache, IdleLoop, encode_idle_loop
from tests.support.media import decode_video, idle_loop, idle_picture, psnr


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as executor:
        yield executor


class Source:
    """Counts how often the pictures of a loop are made."""

    def __init__(self) -> None:
        self.made = 0

    def __call__(self) -> Iterator[I420]:
        self.made += 1
        return (idle_picture(index) for index in range(50))


@pytest.mark.parametrize("codec", ["h264", "vp8"])
def test_a_key_frame_every_second_and_a_seamless_decodable_loop(codec: VideoCodec) -> None:
    loop = idle_loop(codec)
    assert loop.key_positions == (0, 25, 50, 75)
    assert max(len(frame.payload) for frame in loop.frames) < 31_000
    pictures = decode_video([*loop.frames, *loop.frames], codec)
    assert min(psnr(idle_picture(index % 100), picture) for index, picture in enumerate(pictures)) > 28


def test_the_nearest_key_is_searched_around_the_loop() -> None:
    loop = idle_loop(frames=100)
    assert [loop.nearest_key(position) for position in (0, 12, 13, 30, 88, 99)] == [0, 0, 25, 25, 0, 0]


def test_a_loop_must_begin_with_a_key_frame() -> None:
    with pytest.raises(ValueError, match="key frame"):
        IdleLoop("h264", (EncodedFrame(b"x", False),))
    with pytest.raises(ValueError, match="key frame"):
        encode_idle_loop(iter(()), "h264")


async def test_gets_at_the_same_time_encode_once(pool: ThreadPoolExecutor) -> None:
    cache, source = IdleCache(None, pool), Source()
    first, second = await asyncio.gather(cache.get("a", "h264", source), cache.get("a", "h264", source))
    third = await cache.get("a", "h264", source)
    assert first is second is third
    assert source.made == 1
    assert (await cache.get("a", "vp8", source)).codec == "vp8"
    assert source.made == 2


async def test_one_caller_that_gives_up_does_not_take_it_from_the_others(pool: ThreadPoolExecutor) -> None:
    cache, source = IdleCache(None, pool), Source()
    hurried = asyncio.create_task(cache.get("a", "h264", source))
    patient = asyncio.create_task(cache.get("a", "h264", source))
    await asyncio.sleep(0)
    hurried.cancel()
    assert len((await patient).frames) == 50
    assert hurried.cancelled()


async def test_a_failure_reaches_the_caller_and_the_next_get_tries_again(pool: ThreadPoolExecutor) -> None:
    def broken() -> Iterator[I420]:
        raise OSError("avatar is gone")

    cache = IdleCache(None, pool)
    with pytest.raises(OSError, match="gone"):
        await cache.get("a", "h264", broken)
    assert len((await cache.get("a", "h264", Source())).frames) == 50
    await cache.aclose()


async def test_disk_survives_a_restart(pool: ThreadPoolExecutor, tmp_path: Path) -> None:
    source = Source()
    before = await IdleCache(tmp_path / "idle", pool).get("a", "h264", source)
    after = await IdleCache(tmp_path / "idle", pool).get("a", "h264", source)
    assert source.made == 1
    assert [(f.payload, f.key) for f in after.frames] == [(f.payload, f.key) for f in before.frames]
    assert len(list((tmp_path / "idle").iterdir())) == 1


def _damage(directory: Path, how: str) -> None:
    (path,) = directory.iterdir()
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 255
    damaged = {"truncate": bytes(data[:100]), "flip": bytes(data), "empty": b"", "other": b"OTIDLE1\n"}
    path.write_bytes(damaged[how])


@pytest.mark.parametrize("damage", ["truncate", "flip", "empty", "other"])
async def test_a_damaged_file_is_encoded_again(pool: ThreadPoolExecutor, tmp_path: Path, damage: str) -> None:
    source = Source()
    await IdleCache(tmp_path, pool).get("a", "h264", source)
    _damage(tmp_path, damage)
    loop = await IdleCache(tmp_path, pool).get("a", "h264", source)
    assert source.made == 2
    assert len(decode_video(list(loop.frames), "h264")) == 50
    await IdleCache(tmp_path, pool).get("a", "h264", source)
    assert source.made == 2


async def test_a_directory_that_cannot_be_written_is_no_failure(
    pool: ThreadPoolExecutor, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("not a directory")
    loop = await IdleCache(tmp_path / "file" / "idle", pool).get("a", "h264", Source())
    assert len(loop.frames) == 50
