"""Digits and letters of other widths and scripts as plain ones, place by place. Pure functions."""

import unicodedata

_WIDTH = 0xFEE0
"""How far a full-width character lies behind its ASCII twin."""
_WIDE_SIGNS = frozenset("．％＋＝＆＠＃＄＜＞＊／")

_GREEK_NAMES = (
    "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho sigma tau "
    "upsilon phi chi psi omega"
)
GREEK = dict(zip("αβγδεζηθικλμνξοπρστυφχψω", _GREEK_NAMES.split(), strict=True))
GREEK |= {letter.upper(): name for letter, name in GREEK.items()} | {"µ": "mu", "ς": "sigma"}
LONE_GREEK = r"(?<![\u0370-\u03ff])[Α-Ωα-ωµ](?![\u0370-\u03ff])"
"""Pattern of a Greek letter that stands for a quantity, and not in a Greek word."""
CIRCLED = "[①-⑳]"
"""Pattern of a number in a circle."""


def narrowed(text: str) -> str:
    """`text` with every digit and full-width letter as in ASCII; each character keeps its place."""
    return text if text.isascii() else "".join(map(_narrow, text))


def circled_number(character: str) -> str:
    """The digits of a number in a circle: "⑫" → "12"."""
    return str(ord(character) - ord("①") + 1)


def _narrow(character: str) -> str:
    if character.isdecimal():
        return str(unicodedata.decimal(character))
    is_letter = "Ａ" <= character <= "ｚ" and character.isalpha()
    return chr(ord(character) - _WIDTH) if is_letter or character in _WIDE_SIGNS else character
