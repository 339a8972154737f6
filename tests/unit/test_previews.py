"""Preview pictures are read once, and again when they change."""

import os
from pathlib import Path

import pytest

from opentalking.catalog.previews import PREVIEW_MAX_BYTES, PreviewShelf

PNG = b"\x89PNG\r\n\x1a\n"


def written(path: Path, content: bytes, at_ns: int = 1) -> Path:
    path.write_bytes(content)
    os.utime(path, ns=(at_ns, at_ns))
    return path


def test_a_picture_is_read_again_only_when_its_file_changes(tmp_path: Path) -> None:
    shelf = PreviewShelf()
    path = written(tmp_path / "a.png", PNG + b"one")
    first = shelf.read(path)
    assert first is not None
    assert first.png == PNG + b"one"
    assert shelf.read(path) is first
    written(path, PNG + b"two", at_ns=2)
    second = shelf.read(path)
    assert second is not None
    assert (second.png, second.etag != first.etag) == (PNG + b"two", True)
    path.unlink()
    with pytest.raises(FileNotFoundError):
        shelf.read(path)


def test_the_shelf_is_bounded(tmp_path: Path) -> None:
    shelf = PreviewShelf(kept_bytes=80)
    paths = [written(tmp_path / f"{number}.png", PNG + bytes(12)) for number in range(5)]
    kept = [shelf.read(path) for path in paths]
    assert shelf.read(paths[4]) is kept[4]
    assert shelf.read(paths[1]) is kept[1]
    assert shelf.read(paths[0]) is not kept[0], "four have room; the oldest had to go"
    large = written(tmp_path / "large.png", PNG + bytes(40))
    assert shelf.read(large) is not shelf.read(large), "one picture does not empty the shelf"


@pytest.mark.parametrize("content", [b"", b"GIF89a", PNG + bytes(PREVIEW_MAX_BYTES)])
def test_what_is_no_usable_picture(tmp_path: Path, content: bytes) -> None:
    path = written(tmp_path / "a.png", content)
    assert PreviewShelf().read(path) is None
