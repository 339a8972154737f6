"""How written words are handed to an English voice. Pure functions; lengths may change only inside a word."""

import re

_FULL_WIDTH = str.maketrans("，。！？；：、（）“”‘’", ",.!?;:,()\"\"''")
_UNSPEAKABLE = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
_WIDE = re.compile(r"[\u2e80-\u2fff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff]")
# A voice takes any "." before a space for the end of a sentence, and pauses.
_ABBREVIATION = re.compile(
    r"\b(?:Mr|Mrs|Ms|Mx|Dr|Prof|St|Sgt|Capt|Gen|Lt|Col|Rev|Hon|Sen|Rep|Gov|Pres|No|vs|approx"
    r"|Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sep|Sept|Oct|Nov|Dec|(?:[A-Z]\.)+[A-Z]|[A-HJ-Z])\.(?=\s+\w)"
)
_MONEY = re.compile(r"(?<![\w.])([$€£¥])(\d[\d,]*)(?:\.(\d\d))?(?![\w]|\.\d)")
_CURRENCIES = {"$": ("dollar", "cent"), "€": ("euro", "cent"), "£": ("pound", "pence"), "¥": ("yen", "sen")}


def is_speakable(text: str) -> bool:
    """Whether an alphabetic voice finds anything to say in `text`."""
    return any(character.isalnum() for character in _WIDE.sub(" ", text))


def has_wide(text: str) -> bool:
    """Whether `text` holds Chinese, Japanese or Korean characters."""
    return _WIDE.search(text) is not None


def speakable(text: str) -> str:
    """`text` as espeak reads it best: full-width punctuation and ideographs replaced, abbreviations
    without their point, money in words.
    """
    plain = _plain(text)
    plain = _ABBREVIATION.sub(lambda match: match[0][:-1] + " ", plain)
    return _MONEY.sub(_money, plain)


def spoken_word(word: str) -> str:
    """One word, treated as within a text."""
    return _MONEY.sub(_money, _plain(word))


def _plain(text: str) -> str:
    return _UNSPEAKABLE.sub(" ", _WIDE.sub(" ", text)).translate(_FULL_WIDTH)


def _money(match: re.Match[str]) -> str:
    whole, part = _CURRENCIES[match[1]]
    amount, cents = match[2].rstrip(","), match[3]
    plural = "" if amount == "1" or whole == "yen" else "s"
    words = f"{amount} {whole}{plural}"
    if cents and int(cents):
        words += f" and {int(cents)} {part}" + ("" if part in {"pence", "sen"} or cents == "01" else "s")
    return words + ("," if match[2].endswith(",") else "")
