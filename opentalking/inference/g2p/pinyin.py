"""Pinyin syllables in the symbols that Kokoro's Chinese voices were trained with (those of misaki 0.9).

Pure functions. Tones are the arrows →↗↓↘ behind the syllable's vowel, none for the neutral tone.
"""

import re

_TONES = {"1": "→", "2": "↗", "3": "↓", "4": "↘", "5": ""}
_INITIALS = {
    "zh": "ꭧ",
    "ch": "ꭧʰ",
    "sh": "ʂ",
    "b": "p",
    "p": "pʰ",
    "m": "m",
    "f": "f",
    "d": "t",
    "t": "tʰ",
    "n": "n",
    "l": "l",
    "g": "k",
    "k": "kʰ",
    "h": "x",
    "j": "ʨ",
    "q": "ʨʰ",
    "x": "ɕ",
    "r": "ɻ",
    "z": "ʦ",
    "c": "ʦʰ",
    "s": "s",
}
# "0" is the place of the tone.
_FINALS = {
    "a": "a0",
    "ai": "ai0",
    "an": "a0n",
    "ang": "a0ŋ",
    "ao": "au0",
    "e": "ɤ0",
    "ei": "ei0",
    "en": "ə0n",
    "eng": "ə0ŋ",
    "er": "ɚ0",
    "ê": "ɛ0",
    "i": "i0",
    "ia": "ja0",
    "ian": "jɛ0n",
    "iang": "ja0ŋ",
    "iao": "jau0",
    "ie": "je0",
    "in": "i0n",
    "ing": "i0ŋ",
    "io": "jɔ0",
    "iong": "jʊ0ŋ",
    "iou": "jou0",
    "iu": "jou0",
    "o": "wo0",
    "ong": "ʊ0ŋ",
    "ou": "ou0",
    "u": "u0",
    "ua": "wa0",
    "uai": "wai0",
    "uan": "wa0n",
    "uang": "wa0ŋ",
    "uei": "wei0",
    "ui": "wei0",
    "uen": "wə0n",
    "un": "wə0n",
    "ueng": "wə0ŋ",
    "uo": "wo0",
    "v": "y0",
    "ve": "ɥe0",
    "van": "ɥɛ0n",
    "vn": "y0n",
}
_WHOLE = {"m": "m0", "n": "n0", "ng": "ŋ0", "hm": "hm0", "hng": "hŋ0", "o": "ɔ0", "yo": "jɔ0"}
_BUZZED = {"zh", "ch", "sh", "r", "z", "c", "s"}
_SYLLABLE = re.compile(r"(zh|ch|sh|[bpmfdtnlgkhjqxrzcs])?([a-zê]+)([1-5])")


def symbols_of(syllable: str) -> str:
    """The symbols of one syllable as "zhong1" (ü is "v"); "" when it is none."""
    match = _SYLLABLE.fullmatch(syllable.replace("ü", "v"))
    if match is None:
        return ""
    whole = _WHOLE.get(syllable[:-1])
    if whole is not None:
        return _toned(whole, match[3])
    initial, final = match[1] or "", _spelled_out(match[1] or "", match[2])
    if final == "i" and initial in _BUZZED:
        return _INITIALS[initial] + _toned("ɨ0", match[3])
    if final not in _FINALS:
        return ""
    return _INITIALS.get(initial, "") + _toned(_FINALS[final], match[3])


def _spelled_out(initial: str, final: str) -> str:
    """The final without the spelling rules for y, w and ü."""
    if initial in {"j", "q", "x"} and final.startswith("u"):
        return f"v{final[1:]}"
    if initial:
        return "ve" if final == "ue" else final
    if final.startswith("yu"):
        return f"v{final[2:]}"
    if final.startswith("y"):
        rest = final[1:]
        return rest if rest.startswith("i") else f"i{rest}"
    if final.startswith("w"):
        rest = final[1:]
        return rest if rest.startswith("u") else f"u{rest}"
    return final


def _toned(sounds: str, tone: str) -> str:
    return sounds.replace("0", _TONES[tone])
