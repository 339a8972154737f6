"""The words by which people are told that the face and voice are made by a machine."""

import re
import unicodedata

AI_LABEL = "AI-generated"
"""The built-in wording; pages show it in their own language."""
AI_LABEL_MAX_CHARACTERS = 60
_FILLERS = frozenset("\u115f\u1160\u3164\uffa0")
"""Letters by their category that show nothing."""


def label_of(text: str) -> str:
    """The label that `text` asks for, in one line; the built-in wording where nothing of it can be read.

    Raises `ValueError` for more than 60 characters, markup, or control characters.
    """
    label = unicodedata.normalize("NFC", re.sub(r"\s+", " ", text)).strip()
    if not any(character.isalnum() and character not in _FILLERS for character in label):
        return AI_LABEL
    if len(label) > AI_LABEL_MAX_CHARACTERS:
        raise ValueError(f"must have at most {AI_LABEL_MAX_CHARACTERS} characters")
    if any(character in "<>" or unicodedata.category(character) in {"Cc", "Cf"} for character in label):
        raise ValueError("must be plain text: no < or >, no control characters")
    return label
