"""Who speaks a text: a voice for its language that stays the same person where it can. Pure functions."""

from collections.abc import Callable, Sequence

from opentalking.core.conversation import Voice
from opentalking.text.language import Language

CanRead = Callable[[Voice, str], bool]
"""Whether a voice can read all of a text."""


def cast(
    text: str, language: Language, wanted: Voice, voices: Sequence[Voice], can_read: CanRead
) -> Voice | None:
    """The voice for `text`: `wanted` or who comes nearest; None when nobody can say it.

    A Chinese voice reads English too, so that a person who speaks Chinese keeps their voice within
    one conversation; an English voice gives Chinese sentences to a Chinese one of the same gender.
    A cloned voice says all that it can read, and never stands in for another.
    """
    if wanted.source == "clone" and can_read(wanted, text):
        return wanted
    suitable = [voice for voice in voices if voice.source != "clone" and can_read(voice, text)]
    if not suitable:
        return None
    if wanted in suitable and (speaks(wanted, language) or speaks(wanted, "zh")):
        return wanted
    return min(suitable, key=lambda voice: _distance(voice, wanted, language))


def speaks(voice: Voice, language: Language) -> bool:
    """Whether this is the voice's own language."""
    return voice.language.partition("-")[0] == language


def _distance(voice: Voice, wanted: Voice, language: Language) -> tuple[bool, bool, bool]:
    return (
        not speaks(voice, language),
        voice.gender != wanted.gender,
        voice.engine != wanted.engine,
    )
