"""Identifiers and the rules for those that come from outside."""

import re
import uuid

_SLUG = re.compile(r"[A-Za-z0-9_\-\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]+")
SLUG_MAX_CHARACTERS = 96
SLUG_MAX_BYTES = 200


def new_id() -> str:
    """A fresh UUID4 as text, for sessions, turns and jobs."""
    return str(uuid.uuid4())


def is_slug(text: str) -> bool:
    """Whether `text` may name an avatar: ASCII letters, digits, `-`, `_`, CJK; ≤ 96 characters, 200 bytes."""
    return (
        len(text) <= SLUG_MAX_CHARACTERS
        and _SLUG.fullmatch(text) is not None
        and len(text.encode()) <= SLUG_MAX_BYTES
    )
