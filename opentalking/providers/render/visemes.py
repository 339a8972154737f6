"""From phonemes to mouth shapes: nine face parameters and the table that drives them.

The phonemes are IPA (stress, length and tone marks are ignored), plus the pinyin initials and finals of
Piper's Chinese voices.
"""

import unicodedata
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

PARAMETERS = ("jaw", "wide", "pucker", "raise", "drop", "press", "tuck", "smile", "tongue")
"""What a mouth can do: open the jaw, spread or round the lips, raise the upper or drop the lower
lip, press both together, tuck the lower lip under the teeth, smile, lift the tongue; each 0..1."""

FaceParameters = NDArray[np.float32]
"""Shape (9,), float32, in the order of `PARAMETERS`."""

_SHAPES: dict[str, dict[str, float]] = {
    "rest": {},
    "closed": {"press": 1.0},
    "teeth_on_lip": {"tuck": 1.0, "raise": 0.75, "jaw": 0.06},
    "open": {"jaw": 0.94, "drop": 0.25, "raise": 0.30, "wide": 0.10},
    "half_open": {"jaw": 0.68, "drop": 0.28, "raise": 0.28, "wide": 0.15},
    "front": {"jaw": 0.52, "wide": 0.38, "raise": 0.38, "drop": 0.35},
    "spread": {"jaw": 0.22, "wide": 0.80, "raise": 0.48, "drop": 0.50},
    "relaxed_spread": {"jaw": 0.28, "wide": 0.45, "raise": 0.40, "drop": 0.42},
    "neutral": {"jaw": 0.36, "drop": 0.28, "raise": 0.22},
    "round_open": {"jaw": 0.74, "pucker": 0.45, "drop": 0.12},
    "round": {"jaw": 0.48, "pucker": 0.62, "drop": 0.10},
    "round_close": {"jaw": 0.20, "pucker": 0.92, "drop": 0.22, "raise": 0.15},
    "hiss": {"jaw": 0.07, "wide": 0.42, "raise": 0.50, "drop": 0.65},
    "hush": {"jaw": 0.10, "pucker": 0.55, "raise": 0.60, "drop": 0.70},
    "tongue_between": {"jaw": 0.20, "tongue": 0.85, "raise": 0.36, "drop": 0.36},
    "tongue_up": {"jaw": 0.30, "tongue": 1.0, "raise": 0.34, "drop": 0.34},
    "tap": {"jaw": 0.18, "tongue": 0.45, "raise": 0.34, "drop": 0.40, "wide": 0.10},
    "back": {"jaw": 0.26, "drop": 0.30, "raise": 0.22},
    "rhotic": {"jaw": 0.24, "pucker": 0.40, "raise": 0.28, "drop": 0.34},
}

VISEMES: tuple[str, ...] = tuple(_SHAPES)
"""Names of all mouth shapes."""

_LETTERS: dict[str, str] = {
    "closed": "pbmɓʙɱ̩",
    "teeth_on_lip": "fvʋⱱ",
    "open": "aɑɒɐæä",
    "half_open": "ʌɜɞɝ",
    "front": "eɛœøə̃",
    "spread": "ijʲĩ",
    "relaxed_spread": "ɪɨɯ",
    "neutral": "əɘɤɵhɦħʔ",
    "round_open": "ɔɶ",
    "round": "oʊʏ",
    "round_close": "uwyʉɥʍɸβ",
    "hiss": "szɕʑcqçʝ",
    "hush": "ʃʒʂʐɧ",
    "tongue_between": "θð",
    "tongue_up": "lɫɭʎɬɮɺ",
    "tap": "tdnɾɗʈɖɳɲ",
    "back": "kɡgŋxɣχʁʀqɴ",
    "rhotic": "ɹrɻɚɽ",
}

_WHOLE: dict[str, tuple[str, ...]] = {
    "tʃ": ("hush",),
    "dʒ": ("hush",),
    "ʈʂ": ("hush",),
    "ɖʐ": ("hush",),
    "tɕ": ("hiss",),
    "dʑ": ("hiss",),
    "ts": ("hiss",),
    "dz": ("hiss",),
    "zh": ("hush",),
    "ch": ("hush",),
    "sh": ("hush",),
    "ng": ("back",),
    "er": ("half_open", "rhotic"),
    "ong": ("round", "back"),
    "ü": ("round_close",),
}

_REACH = 3
"""Longest entry of `_WHOLE`, characters."""


@dataclass(frozen=True, slots=True)
class Viseme:
    """One mouth shape: its name and its target as `FaceParameters`."""

    name: str
    target: FaceParameters

    @property
    def must_close(self) -> bool:
        """Whether speech sounds wrong to the eye if this shape is not fully reached (p b m f v)."""
        return self.name in {"closed", "teeth_on_lip"}


def _vector(shape: dict[str, float]) -> FaceParameters:
    return np.array([shape.get(name, 0.0) for name in PARAMETERS], np.float32)


_TABLE = {name: Viseme(name, _vector(shape)) for name, shape in _SHAPES.items()}
_BY_LETTER = {letter: name for name, letters in _LETTERS.items() for letter in letters}


def viseme(name: str) -> Viseme:
    """The mouth shape called `name` (one of `VISEMES`); raises `KeyError`."""
    return _TABLE[name]


@lru_cache(maxsize=512)
def visemes_of(symbol: str) -> tuple[Viseme, ...]:
    """The mouth shapes that `symbol` runs through, in order; silence and punctuation rest.

    A diphthong or a pinyin final gives several. Marks that do not change the lips are skipped.
    """
    text = "".join(c for c in unicodedata.normalize("NFC", symbol) if _is_letter(c))
    names: list[str] = []
    at = 0
    while at < len(text):
        for size in range(min(_REACH, len(text) - at), 0, -1):
            piece = text[at : at + size]
            found = _WHOLE.get(piece) or ((_BY_LETTER[piece],) if piece in _BY_LETTER else ())
            if found:
                break
        names.extend(name for name in found if not names or names[-1] != name)
        at += size
    return tuple(_TABLE[name] for name in names) or (_TABLE["rest"],)


def _is_letter(character: str) -> bool:
    category = unicodedata.category(character)
    return category.startswith("L") and category != "Lm"
