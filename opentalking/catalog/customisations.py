"""What clients changed of avatars: a prompt and a picture each, in files of their own beside the bundles.

`<root>/<avatar_id>.json` names the picture `<avatar_id>.<hash>.png`; no id has a dot.
"""

import hashlib
import json
import os
import tempfile
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import structlog

from opentalking.core.consent import Consent

_log = structlog.get_logger(__name__)
_ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class Customisation:
    """What is changed of one avatar; "" and None leave the bundle's own.

    `reference` is a PNG file, `animation` what was found in it (as in a manifest), `consent` what its
    uploader stated.
    """

    prompt: str = field(default="", repr=False)
    reference: bytes | None = field(default=None, repr=False)
    animation: Mapping[str, Any] = field(default_factory=dict, repr=False)
    consent: Consent = "not stated"


class CustomisationStore:
    """Customisations on disk, whole before and after a crash.

    Every method reads files: call it in a thread. Safe for use by several threads; ids must be slugs.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._lock = threading.Lock()

    def get(self, avatar_id: str) -> Customisation:
        """What is changed of this avatar; a damaged file counts as nothing and is a line in the log."""
        reason = ""
        for _ in range(_ATTEMPTS):  # another process may replace the picture between the two files
            try:
                return self._read(avatar_id)
            except FileNotFoundError:
                reason = "its picture is missing"
            except (OSError, ValueError, TypeError, AttributeError) as error:
                reason = type(error).__name__
                break
        _log.warning("customisation.unreadable", avatar_id=avatar_id, reason=reason)
        return Customisation()

    def change(self, avatar_id: str, **changes: Any) -> Customisation:
        """Replace fields of the avatar's customisation; returns the former one. Raises `OSError`."""
        with self._lock:
            before = self.get(avatar_id)
            self._write(avatar_id, replace(before, **changes))
            return before

    def forget(self, avatar_id: str) -> Customisation:
        """Remove everything of this avatar; returns what it was. Raises `OSError`."""
        with self._lock:
            before = self.get(avatar_id)
            self._path(avatar_id).unlink(missing_ok=True)
            self._remove_pictures(avatar_id, kept="")
            return before

    def _path(self, avatar_id: str) -> Path:
        return self._root / f"{avatar_id}.json"

    def _read(self, avatar_id: str) -> Customisation:
        try:
            raw = self._path(avatar_id).read_text(encoding="utf-8")
        except FileNotFoundError:
            return Customisation()
        told = json.loads(raw)
        name = told.get("reference")
        if name is not None and Path(name).name != name:
            raise ValueError("the picture lies elsewhere")
        return Customisation(
            prompt=str(told.get("llm_system_prompt", "")),
            reference=None if name is None else (self._root / name).read_bytes(),
            animation=dict(told.get("animation", {})),
            consent="stated" if told.get("consent") == "stated" else "not stated",
        )

    def _write(self, avatar_id: str, wanted: Customisation) -> None:
        self._root.mkdir(parents=True, exist_ok=True)
        told: dict[str, Any] = {}
        if wanted.prompt:
            told["llm_system_prompt"] = wanted.prompt
        if wanted.reference is not None:
            name = f"{avatar_id}.{hashlib.sha256(wanted.reference).hexdigest()[:16]}.png"
            _replace(self._root / name, wanted.reference)
            told |= {"reference": name, "animation": dict(wanted.animation), "consent": wanted.consent}
        if told:
            text = json.dumps(told, ensure_ascii=False, indent=2, allow_nan=False)
            _replace(self._path(avatar_id), (text + "\n").encode())
        else:
            self._path(avatar_id).unlink(missing_ok=True)
        self._remove_pictures(avatar_id, kept=str(told.get("reference", "")))

    def _remove_pictures(self, avatar_id: str, kept: str) -> None:
        for path in self._root.glob(f"{avatar_id}.*.png"):
            if path.name != kept:
                with suppress(OSError):
                    path.unlink()


def _replace(path: Path, content: bytes) -> None:
    handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
