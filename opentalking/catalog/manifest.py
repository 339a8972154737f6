"""Reading an avatar bundle's `manifest.json`: strict about what the server relies on, lenient otherwise."""

import json
import math
from pathlib import Path, PureWindowsPath
from typing import Any

MANIFEST_MAX_BYTES = 4 * 2**20
MIN_SIDE_PIXELS = 16
MAX_SIDE_PIXELS = 16_384
REQUIRED = ("id", "fps", "sample_rate", "width", "height")


class BrokenBundle(Exception):
    """A bundle that cannot be used; the text says why."""


def read_manifest(path: Path, directory_name: str) -> dict[str, Any]:
    """The checked manifest with `name`, `model_type`, `version` and `metadata` filled in.

    Raises `BrokenBundle`. Blocking.
    """
    manifest = _parse(path)
    missing = [key for key in REQUIRED if key not in manifest]
    if missing:
        raise BrokenBundle(f"manifest lacks {', '.join(missing)}")
    if manifest["id"] != directory_name:
        raise BrokenBundle(f"manifest id differs from the directory's name {directory_name!r}")
    for key in ("width", "height"):
        _require_integer(manifest, key, MIN_SIDE_PIXELS, MAX_SIDE_PIXELS)
    _require_integer(manifest, "sample_rate", 8000, 192_000)
    fps = manifest["fps"]
    if isinstance(fps, bool) or not isinstance(fps, int | float) or not 1 <= fps <= 240:
        raise BrokenBundle("fps must be a number from 1 to 240")
    return _with_defaults(manifest)


def without_absolute_paths(value: Any) -> Any:
    """`value` (parsed JSON) without any text that is an absolute path of some machine."""
    if isinstance(value, dict):
        return {
            key: without_absolute_paths(item) for key, item in value.items() if not _is_absolute_path(item)
        }
    if isinstance(value, list):
        return [without_absolute_paths(item) for item in value if not _is_absolute_path(item)]
    return value


def streamed_size(width: int, height: int, max_pixels: int) -> tuple[int, int]:
    """Width and height that a picture of this size is streamed with.

    Never enlarged, at most `max_pixels`, the aspect kept, both sides even (rounded down, so
    that the limit holds).
    """
    scale = min(1.0, math.sqrt(max_pixels / (width * height)))
    return max(2, int(width * scale) // 2 * 2), max(2, int(height * scale) // 2 * 2)


def _parse(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            raw = file.read(MANIFEST_MAX_BYTES + 1)
        if len(raw) > MANIFEST_MAX_BYTES:
            raise BrokenBundle(f"manifest is larger than {MANIFEST_MAX_BYTES} bytes")
        manifest = json.loads(raw.decode("utf-8-sig"), parse_constant=_refuse_constant)
        json.dumps(manifest, ensure_ascii=False, allow_nan=False).encode()
    except OSError as error:
        raise BrokenBundle(f"manifest cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise BrokenBundle("manifest is not valid JSON in UTF-8") from error
    if not isinstance(manifest, dict):
        raise BrokenBundle("manifest is not a JSON object")
    return manifest


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _require_integer(manifest: dict[str, Any], key: str, low: int, high: int) -> None:
    value = manifest[key]
    if isinstance(value, float) and value.is_integer():
        value = manifest[key] = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise BrokenBundle(f"{key} must be a whole number from {low} to {high}")


def _with_defaults(manifest: dict[str, Any]) -> dict[str, Any]:
    name, model_type, version = (manifest.get(key) for key in ("name", "model_type", "version"))
    metadata = manifest.get("metadata")
    return {
        **manifest,
        "name": name if isinstance(name, str) and name.strip() else manifest["id"],
        "model_type": model_type if isinstance(model_type, str) and model_type else "portrait",
        "version": str(version) if isinstance(version, str | int | float) and version != "" else "1",
        "metadata": metadata if isinstance(metadata, dict) else {},
    }


def _is_absolute_path(value: Any) -> bool:
    return isinstance(value, str) and (
        value.startswith(("/", "~", "file:", "\\")) or PureWindowsPath(value).is_absolute()
    )
