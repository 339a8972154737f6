"""Numbers as English words, American style. Pure functions; arguments are digits as written."""

_NAMES = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
    "seventeen eighteen nineteen"
)
_UNITS = tuple(_NAMES.split())
_TENS = ("", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_POWERS = ("", "thousand", "million", "billion", "trillion")
_LARGEST_DIGITS = 15
_ORDINALS = {
    "one": "first",
    "two": "second",
    "three": "third",
    "five": "fifth",
    "eight": "eighth",
    "nine": "ninth",
    "twelve": "twelfth",
}
_FRACTIONS = {2: ("half", "halves"), 4: ("quarter", "quarters")}


def digits(number: str) -> str:
    """One digit after the other: "105" → "one zero five"."""
    return " ".join(_UNITS[int(digit)] for digit in number)


def cardinal(number: str) -> str:
    """A whole number; more than 15 digits one after the other."""
    number = number.replace(",", "").lstrip("0") or "0"
    if len(number) > _LARGEST_DIGITS:
        return digits(number)
    groups: list[str] = []
    left, power = int(number), 0
    while left:
        left, group = divmod(left, 1000)
        if group:
            groups.insert(0, f"{_below_thousand(group)} {_POWERS[power]}".strip())
        power += 1
    return " ".join(groups) or "zero"


def decimal(number: str) -> str:
    """A number with or without a fraction: "2.50" → "two point five zero"."""
    whole, point, fraction = number.partition(".")
    words = cardinal(whole or "0")
    return f"{words} point {digits(fraction)}" if point and fraction else words


def ordinal(number: str) -> str:
    """ "21" → "twenty-first"."""
    head, joint, last = _last_word(cardinal(number))
    regular = f"{last[:-1]}ieth" if last.endswith("y") else f"{last}th"
    return f"{head}{joint}{_ORDINALS.get(last, regular)}"


def year(number: str) -> str:
    """A year from 1000 to 2999 as people say it: "1984" → "nineteen eighty-four"."""
    value = int(number)
    century, rest = divmod(value, 100)
    if 2000 <= value < 2010 or (rest == 0 and century % 10 == 0):
        return cardinal(number)
    if rest == 0:
        return f"{_below_thousand(century)} hundred"
    tail = f"oh {_UNITS[rest]}" if rest < 10 else _below_thousand(rest)
    return f"{_below_thousand(century)} {tail}"


def decade(number: str) -> str:
    """ "1990" → "nineteen nineties"; "80" → "eighties"."""
    return plural(year(number) if len(number) == 4 else cardinal(number))


def fraction(above: str, below: str) -> str:
    """ "3", "4" → "three quarters"."""
    one, many = _FRACTIONS.get(int(below), ("", ""))
    if not one:
        one = ordinal(below)
        many = f"{one}s"
    if above == "1":
        return f"one {one}" if one != "quarter" else "a quarter"
    return f"{cardinal(above)} {many}"


def plural(words: str) -> str:
    """The last word in the plural: "nineteen ninety" → "nineteen nineties"."""
    return f"{words[:-1]}ies" if words.endswith("y") else f"{words}s"


def _below_thousand(value: int) -> str:
    hundreds, rest = divmod(value, 100)
    words = [f"{_UNITS[hundreds]} hundred"] if hundreds else []
    if 0 < rest < 20:
        words.append(_UNITS[rest])
    elif rest:
        tens, units = divmod(rest, 10)
        words.append(_TENS[tens] + (f"-{_UNITS[units]}" if units else ""))
    return " ".join(words)


def _last_word(words: str) -> tuple[str, str, str]:
    cut = max(words.rfind(" "), words.rfind("-"))
    return ("", "", words) if cut < 0 else (words[:cut], words[cut], words[cut + 1 :])
