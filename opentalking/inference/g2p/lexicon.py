"""The pronouncing dictionaries of misaki (Apache-2.0) and what follows from them by rules.

Two JSON objects, `us_gold` (checked by people) and `us_silver`: a word's phonemes, or an object of them
by part of speech (`DEFAULT`, `NOUN`, `VERB`, …; `None`: at the end of a phrase).
"""

import functools
import json
import re
from pathlib import Path
from typing import Any

from opentalking.inference.g2p.spelling import VOWELS, spell_out

_STRESS = "ˈˌ"
_VOICELESS = frozenset("ptkfθ")
_SIBILANTS = frozenset("szʃʒʧʤ")
_FLAPPING = frozenset("AIOWYiuæɑəɛɪɹʊʌ")
_SHORTEST_PART = 3
_ACRONYM_LONGEST = 5
_JOINED_LETTERS = 8
_COMPOUND_LONGEST = 40
_PREFIXES = {
    "un": "ʌn",
    "re": "ɹi",
    "pre": "pɹi",
    "non": "nɑn",
    "anti": "ˌænti",
    "over": "ˈOvəɹ",
    "under": "ˈʌndəɹ",
    "super": "sˈupəɹ",
    "micro": "mˈIkɹO",
    "multi": "mˈʌlti",
    "auto": "ˈɔɾO",
    "inter": "ˈɪnɾəɹ",
    "mis": "mɪs",
    "dis": "dɪs",
    "sub": "sʌb",
    "co": "kO",
}
_SUFFIXES = {
    "less": "ləs",
    "ness": "nəs",
    "ful": "fᵊl",
    "ly": "li",
    "er": "əɹ",
    "ers": "əɹz",
    "ers'": "əɹz",
    "ist": "ɪst",
    "ish": "ɪʃ",
    "able": "əbᵊl",
    "ment": "mᵊnt",
    "ments": "mᵊnts",
    "y": "i",
    "'ll": "ᵊl",
    "'d": "d",
    "'ve": "əv",
    "'re": "əɹ",
}


class Lexicon:
    """Phonemes of English words, known and unknown."""

    def __init__(self, gold: Path, silver: Path) -> None:
        self._gold: dict[str, Any] = json.loads(gold.read_text(encoding="utf-8"))
        self._silver: dict[str, Any] = json.loads(silver.read_text(encoding="utf-8"))
        self.unknown = functools.lru_cache(maxsize=4096)(self._unknown)

    def has(self, word: str) -> bool:
        """Whether the dictionaries hold exactly this spelling."""
        return word in self._gold or word in self._silver

    def known(self, word: str, tag: str = "", *, is_last: bool = False) -> str | None:
        """Phonemes of a word of the dictionaries; `is_last`: a pause follows."""
        for spelling in _spellings(word):
            for entries in (self._gold, self._silver):
                if (entry := entries.get(spelling)) is not None:
                    return _choose(entry, tag, is_last)
        return None

    def letters(self, word: str) -> str:
        """`word` spelled letter by letter, the last one stressed."""
        names = [self._gold[letter.upper()] for letter in word if letter.upper() in self._gold]
        plain = [_choose(name, "", False) or "" for name in names]
        joint = "" if len(plain) <= _JOINED_LETTERS else " "
        weak = "".join(name.replace("ˈ", "ˌ") + joint for name in plain[:-1])
        return weak + (plain[-1] if plain else "")

    def _unknown(self, word: str) -> str:
        """Phonemes of a word that the dictionaries lack."""
        if word[:-1].isupper() and word.endswith("s") and len(word) > 2:
            return f"{self.letters(word[:-1])}z"
        if (word.isupper() and len(word) <= _ACRONYM_LONGEST) or not re.search("[aeiouyAEIOUY]", word):
            return self.letters(word)
        if (parts := _camel(word)) is not None:
            return " ".join(self._whole(part) for part in parts)
        lower = word.lower()
        return self._inflected(lower) or self._affixed(lower) or self._compound(lower) or spell_out(lower)

    def _whole(self, word: str) -> str:
        return self.known(word) or self.unknown(word)

    def _inflected(self, word: str) -> str | None:
        """ "-s", "-ed" and "-ing" of a known word."""
        for ending, join in (("s", _plural), ("ed", _past), ("ing", _progressive)):
            if not word.endswith(ending) or len(word) < len(ending) + 2:
                continue
            for stem in _stems(word, ending):
                if (sounds := self.known(stem, "" if ending == "s" else "VERB")) is not None:
                    return join(sounds)
        return None

    def _affixed(self, word: str) -> str | None:
        for suffix, sound in _SUFFIXES.items():
            stem = word.removesuffix(suffix)
            if stem != word and len(stem) >= _SHORTEST_PART:
                bases = [stem, f"{stem}e", f"{stem[:-1]}y" if stem.endswith("i") else stem]
                if stem[-1] == stem[-2]:
                    bases.append(stem[:-1])
                if (found := next(filter(None, map(self.known, bases)), None)) is not None:
                    return found + sound
        for prefix, sound in _PREFIXES.items():
            rest = word.removeprefix(prefix)
            is_prefixed = rest != word and len(rest) > _SHORTEST_PART
            if is_prefixed and (found := self.known(rest) or self._inflected(rest)) is not None:
                return sound + found
        return None

    def _compound(self, word: str) -> str | None:
        """Two known words written as one; the first keeps the main stress."""
        if len(word) > _COMPOUND_LONGEST:
            return None
        for cut in range(len(word) - _SHORTEST_PART, _SHORTEST_PART - 1, -1):
            first, second = self.known(word[:cut]), self.known(word[cut:]) or self._inflected(word[cut:])
            if first and second:
                return first + second.replace("ˈ", "ˌ")
        return None


def restressed(sounds: str, mark: str) -> str:
    """`sounds` with `mark` before its first vowel, unless it has a stress already."""
    if any(stress in sounds for stress in _STRESS):
        return sounds
    place = next((at for at, sound in enumerate(sounds) if sound in VOWELS), None)
    return sounds if place is None else f"{sounds[:place]}{mark}{sounds[place:]}"


def _spellings(word: str) -> list[str]:
    lower = word.lower()
    forms = [word, lower, lower.capitalize()]
    if word.endswith("'s'"):
        forms.append(word[:-1])
    return list(dict.fromkeys(forms))


def _choose(entry: str | dict[str, str | None], tag: str, is_last: bool) -> str | None:
    if isinstance(entry, str):
        return entry
    if is_last and "None" in entry:
        return entry["None"]
    wanted = [tag, "VERB"] if tag in {"VBD", "VBN", "VBP"} else [tag]
    for name in wanted:
        if entry.get(name):
            return entry[name]
    return entry["DEFAULT"]


def _camel(word: str) -> list[str] | None:
    parts = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", word)
    return parts if len(parts) > 1 and "".join(parts) == word else None


def _stems(word: str, ending: str) -> list[str]:
    stem = word.removesuffix(ending).removesuffix("'")
    stems = [stem] if ending == "s" else [stem, f"{stem}e"]
    if ending == "s":
        if stem.endswith("ie"):
            stems.append(f"{stem[:-2]}y")
        if stem.endswith("e"):
            stems.append(stem[:-1])
    elif stem.endswith("i"):
        stems.append(f"{stem[:-1]}y")
    elif len(stem) > 2 and stem[-1] == stem[-2]:
        stems.append(stem[:-1])
    return [stem for stem in stems if len(stem) > 1]


def _plural(sounds: str) -> str:
    if sounds[-1] in _SIBILANTS:
        return f"{sounds}ᵻz"
    return f"{sounds}{'s' if sounds[-1] in _VOICELESS else 'z'}"


def _past(sounds: str) -> str:
    if sounds[-1] == "d":
        return f"{sounds}ᵻd"
    if sounds[-1] == "t":
        return f"{sounds[:-1]}ɾᵻd" if sounds[-2:-1] and sounds[-2] in _FLAPPING else f"{sounds}ᵻd"
    return f"{sounds}{'t' if sounds[-1] in _VOICELESS | {'s', 'ʃ', 'ʧ'} else 'd'}"


def _progressive(sounds: str) -> str:
    if sounds[-1] == "t" and sounds[-2:-1] and sounds[-2] in _FLAPPING:
        return f"{sounds[:-1]}ɾɪŋ"
    return f"{sounds}ɪŋ"
