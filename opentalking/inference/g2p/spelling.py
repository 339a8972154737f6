"""How an English word that no dictionary has is likely to be said: letter-to-sound rules. Pure functions.

The sounds are those of Kokoro's American voices (A = eɪ, I = aɪ, O = oʊ, W = aʊ, Y = ɔɪ).
"""

import re

VOWELS = "AIOWYaiuæɑɔəɛɜɪʊʌᵻɐ"
_LONG = {"a": "A", "e": "i", "i": "I", "o": "O", "u": "u", "y": "I"}
_SHORT = {"a": "æ", "e": "ɛ", "i": "ɪ", "o": "ɑ", "u": "ʌ", "y": "ɪ"}
# (letters, pattern that must follow, sounds); the first that fits is taken. "^" in front: only at the begin.
_RULES: tuple[tuple[str, str, str], ...] = (
    ("tion", r"s?$|al", "ʃᵊn"),
    ("ssion", r"s?$|al", "ʃᵊn"),
    ("sion", r"s?$|al", "ʒᵊn"),
    ("cious", r"", "ʃəs"),
    ("tious", r"", "ʃəs"),
    ("ture", r"s?$", "ʧəɹ"),
    ("sure", r"s?$", "ʒəɹ"),
    ("ough", r"t", "ɔ"),
    ("ough", r"", "O"),
    ("augh", r"", "ɔ"),
    ("eigh", r"", "A"),
    ("igh", r"", "I"),
    ("tch", r"", "ʧ"),
    ("dge", r"", "ʤ"),
    ("sch", r"", "sk"),
    ("^kn", r"", "n"),
    ("^gn", r"", "n"),
    ("^wr", r"", "ɹ"),
    ("^ps", r"", "s"),
    ("^x", r"", "z"),
    ("^rh", r"", "ɹ"),
    ("ph", r"", "f"),
    ("sh", r"", "ʃ"),
    ("ch", r"[rlt]", "k"),
    ("ch", r"", "ʧ"),
    ("th", r"", "θ"),
    ("wh", r"", "w"),
    ("gh", r"$|t", ""),
    ("gh", r"", "ɡ"),
    ("ck", r"", "k"),
    ("qu", r"", "kw"),
    ("ng", r"$|s$", "ŋ"),
    ("nk", r"", "ŋk"),
    ("mb", r"$|s$", "m"),
    ("eau", r"", "O"),
    ("eer", r"", "ɪɹ"),
    ("ear", r"", "ɪɹ"),
    ("air", r"", "ɛɹ"),
    ("are", r"$|s$", "ɛɹ"),
    ("oor", r"", "ɔɹ"),
    ("our", r"", "ɔɹ"),
    ("ier", r"$|s$", "iəɹ"),
    ("ire", r"$|s$", "Iəɹ"),
    ("ure", r"$|s$", "jʊɹ"),
    ("ore", r"$|s$", "ɔɹ"),
    ("ere", r"$|s$", "ɪɹ"),
    ("ar", r"(?![aeiouyr])", "ɑɹ"),
    ("or", r"$|s$", "əɹ"),
    ("or", r"(?![aeiouy])", "ɔɹ"),
    ("er", r"$|s$|(?![aeiouyr])", "əɹ"),
    ("ir", r"(?![aeiouyr])", "ɜɹ"),
    ("ur", r"(?![aeiouyr])", "ɜɹ"),
    ("ee", r"", "i"),
    ("ea", r"", "i"),
    ("ei", r"", "A"),
    ("ey", r"$|s$", "i"),
    ("ey", r"", "A"),
    ("eu", r"", "ju"),
    ("ew", r"", "u"),
    ("ai", r"", "A"),
    ("ay", r"", "A"),
    ("au", r"", "ɔ"),
    ("aw", r"", "ɔ"),
    ("oo", r"k", "ʊ"),
    ("oo", r"", "u"),
    ("oa", r"", "O"),
    ("oi", r"", "Y"),
    ("oy", r"", "Y"),
    ("ou", r"", "W"),
    ("ow", r"$|s$", "O"),
    ("ow", r"", "W"),
    ("oe", r"$|s$", "O"),
    ("ie", r"$|s$|l|f|v", "i"),
    ("ie", r"", "iə"),
    ("ue", r"$|s$", "u"),
    ("ui", r"", "u"),
    ("ia", r"", "iə"),
    ("io", r"", "iO"),
    ("ng", r"", "ŋɡ"),
    ("cc", r"[eiy]", "ks"),
    ("c", r"[eiy]", "s"),
    ("g", r"[eiy]", "ʤ"),
    ("ge", r"$", "ʤ"),
    ("le", r"$|s$", "ᵊl"),
    ("y", r"$", "i"),
    ("o", r"$|s$", "O"),
    ("a", r"$|s$", "ə"),
    ("i", r"$|s$", "i"),
    ("u", r"$|s$", "u"),
    ("e", r"$", ""),
    ("es", r"$", "z"),
    ("^y", r"[aeiou]", "j"),
)
_CONSONANTS = {
    "b": "b",
    "c": "k",
    "d": "d",
    "f": "f",
    "g": "ɡ",
    "h": "h",
    "j": "ʤ",
    "k": "k",
    "l": "l",
    "m": "m",
    "n": "n",
    "p": "p",
    "q": "k",
    "r": "ɹ",
    "s": "s",
    "t": "t",
    "v": "v",
    "w": "w",
    "x": "ks",
    "z": "z",
}
_DOUBLED = re.compile(r"([bcdfgklmnprstvz])\1")
# A vowel is long before one consonant and a silent e, and at the end of an open first syllable.
_SILENT_E = re.compile(r"[bcdfgklmnprstvz](?:e$|es$|ed$|ing$|er$|ers$|eness$|ely$|ement$)")


def spell_out(word: str) -> str:
    """Phonemes of `word` (letters a to z), with stress; "" when nothing of it sounds."""
    letters = word.lower()
    sounds: list[str] = []
    at = 0
    while at < len(letters):
        taken, sound = _next_sound(letters, at)
        sounds.append(sound)
        at += taken
    return stressed("".join(sounds))


def _next_sound(letters: str, at: int) -> tuple[int, str]:
    for pattern, following, sound in _RULES:
        only_first, chunk = pattern.startswith("^"), pattern.removeprefix("^")
        if only_first and at:
            continue
        end = at + len(chunk)
        fits = letters.startswith(chunk, at) and re.match(following, letters[end:])
        if fits and (sound or end < len(letters) or at > 1):
            return len(chunk), sound
    if _DOUBLED.match(letters, at):
        return 2, _CONSONANTS[letters[at]]
    letter = letters[at]
    if letter in _SHORT:
        long = _SILENT_E.match(letters, at + 1) is not None
        return 1, (_LONG if long else _SHORT)[letter]
    if (
        letter == "s"
        and 0 < at < len(letters) - 1
        and letters[at - 1] in "aeiou"
        and letters[at + 1] in "aeiou"
    ):
        return 1, "z"
    return 1, _CONSONANTS.get(letter, "")


def stressed(sounds: str) -> str:
    """`sounds` with the main stress: on the first syllable, in words of four and more on the last but two."""
    vowels = [place for place, sound in enumerate(sounds) if sound in VOWELS]
    full = [place for place in vowels if sounds[place] not in "əᵊᵻɐ"]
    if not full:
        return sounds
    third_last = vowels[-3] if len(vowels) > 3 else full[0]
    place = third_last if third_last in full else full[0]
    return f"{sounds[:place]}ˈ{sounds[place:]}"
