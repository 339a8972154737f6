"""How English is read aloud: numbers, dates, times, money, units and abbreviations in words."""

import re
from collections.abc import Callable

from opentalking.text import english_numbers as numbers
from opentalking.text.english_units import (
    ABBREVIATIONS,
    ATTACHED_ONLY,
    CURRENCIES,
    CURRENCY_CODES,
    MAGNITUDES,
    MONTHS,
    OPERATORS,
    SHORT_MONTHS,
    SYMBOLS,
    TITLES,
    UNITS,
)
from opentalking.text.narrow import CIRCLED, GREEK, LONE_GREEK, circled_number, narrowed
from opentalking.text.spoken import Spoken, read_with

_NUMBER = r"(?:(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)?|(?<![\w.])\.\d+)"
_ANY_MONTH = "|".join([*MONTHS, *(rf"{short}\b\.?" for short in SHORT_MONTHS)])
_ANY_UNIT = "|".join(re.escape(unit) for unit in sorted(UNITS, key=len, reverse=True))
_SIGNS = "".join(re.escape(sign) for sign in CURRENCIES)
_SCALE = r"(?P<scale>\s?(?:thousand|million|billion|trillion)\b|(?:k|K|M|m|bn|B|T)(?![A-Za-z0-9]))?"
_MARKS = dict(zip("，。！？；：、（）", ",.!?;:,()", strict=True)) | {
    "–": "—",
    "…": "…",
    "‘": "",
    "’": "",
    "'": "",
    "「": "“",
    "」": "”",
    "《": "“",
    "》": "”",
}
_KEPT_MARKS = ',.!?;:—…"()“”'
_LETTER = r"[^\W\d_²³½¼¾⅓⅔①-⑳]"
_WORD = rf"{_LETTER}+(?:['’]{_LETTER}+)*"
_DASH = r"\s?[-–—−~]\s?"
_BEFORE_DASH = "|".join(
    [r"(?<=:\d\d)", r"(?<=[\d\s][aApP][mM])", r"(?<=[aApP]\.[mM]\.)", "(?<=%)"]
    + [rf"(?<=[\d\s]{re.escape(unit)})" for unit in UNITS]
)
_EQUALS = re.compile(r"\s?=")

Rule = tuple[str, Callable[[re.Match[str]], str]]


def read_english(text: str) -> list[Spoken]:
    """Words and marks of punctuation as they are spoken, in order, each with its place in `text`.

    Words keep their case, which tells acronyms; marks are those of `,.!?;:—…"()“”`.
    """
    return list(read_with(_READERS, narrowed(text)))


def _address(match: re.Match[str]) -> str:
    host = re.sub(r"^(?:https?://)?(?:www\.)?|/.*$", "", match[0])
    host = re.sub(r"[@._-]", lambda mark: f" {_ADDRESS_MARKS[mark[0]]} ", host)
    return re.sub(r"\d+", lambda number: f" {numbers.digits(number[0])} ", host)


_ADDRESS_MARKS = {"@": "at", ".": "dot", "_": "underscore", "-": "dash"}


def _date(match: re.Match[str]) -> str:
    year, month, day = match["y1"] or match["y2"], match["m1"] or match["m2"], match["d1"] or match["d2"]
    if not (1 <= int(month) <= 12 and 1 <= int(day) <= 31):
        return _number_list(match[0])
    return f"{MONTHS[int(month) - 1]} {numbers.ordinal(day)}, {_year_or_number(year)}"


def _month_day(match: re.Match[str]) -> str:
    month = match["month"].rstrip(".")
    year = f", {_year_or_number(match['year'])}" if match["year"] else ""
    last = f" to {numbers.ordinal(match['last'])}" if match["last"] else ""
    return f"{SHORT_MONTHS.get(month, month)} {numbers.ordinal(match['day'])}{last}{year}"


def _day_month(match: re.Match[str]) -> str:
    month = match["month2"].rstrip(".")
    year = f" {_year_or_number(match['year2'])}" if match["year2"] else ""
    before = match.string[max(0, match.start() - 4) : match.start()]
    article = "" if before.lower() == "the " else "the "
    return f"{article}{numbers.ordinal(match['day2'])} of {SHORT_MONTHS.get(month, month)}{year}"


def _time(match: re.Match[str]) -> str:
    hour, minute, half = int(match["hour"]), int(match["minute"]), match["half"]
    if hour > 24 or minute > 59:
        return _number_list(match[0])
    suffix = f" {half[0].upper()} M" if half else ""
    if not half and (hour > 12 or hour == 0):
        suffix = " P M" if 12 < hour < 24 else " A M"
        hour = (hour - 1) % 12 + 1
    words = numbers.cardinal(str(hour))
    if (seconds := int(match["second"] or 0)) > 0:
        suffix += f" and {numbers.cardinal(str(seconds))} second{'' if seconds == 1 else 's'}"
    if minute == 0:
        return words + (suffix or " o'clock")
    tail = f"oh {numbers.cardinal(str(minute))}" if minute < 10 else numbers.cardinal(str(minute))
    return f"{words} {tail}{suffix}"


def _hour(match: re.Match[str]) -> str:
    return f"{numbers.cardinal(match['bare'])} {match['side'][0].upper()} M"


def _money(match: re.Match[str]) -> str:
    sign = match["sign"] or match["sign2"] or CURRENCY_CODES[match["code"]]
    amount, scale = match["sum"] or match["sum2"], match["scale"]
    minus = "minus " if match["minus4"] else ""
    one, many, part, parts = CURRENCIES[sign]
    if scale or match["upto"]:
        upto = f" to {numbers.decimal(match['upto'])}" if match["upto"] else ""
        word = f" {MAGNITUDES.get(scale.strip(), scale.strip())}" if scale else ""
        return f"{minus}{numbers.decimal(amount)}{upto}{word} {many}"
    whole, _, cents = amount.partition(".")
    if len(cents) not in (0, 2):
        return f"{minus}{numbers.decimal(amount)} {many}"
    words = f"{minus}{numbers.cardinal(whole)} {one if whole == '1' else many}"
    if not cents or not int(cents):
        return words
    change = f"{numbers.cardinal(cents)} {part if int(cents) == 1 else parts}"
    return f"{words} and {change}" if whole.strip("0,") else minus + change


def _percent_range(match: re.Match[str]) -> str:
    return f"{numbers.decimal(match['low'])} to {numbers.decimal(match['high'])} percent"


def _percent(match: re.Match[str]) -> str:
    return f"{_signed(match['minus1'], match['share'])} percent"


def _quantity(match: re.Match[str]) -> str:
    amount, unit = match["amount"], match["unit"]
    return f"{_signed(match['minus2'], amount)} {UNITS[unit][0 if amount == '1' else 1]}"


def _ordinal(match: re.Match[str]) -> str:
    return numbers.ordinal(match["nth"])


def _decade(match: re.Match[str]) -> str:
    return numbers.decade(match["decade"])


def _fraction(match: re.Match[str]) -> str:
    return numbers.fraction(match["above"], match["below"])


def _mixed(match: re.Match[str]) -> str:
    part = numbers.fraction(match["above2"], match["below2"]).replace("one half", "a half")
    return f"{numbers.cardinal(match['whole'])} and {part}"


def _range(match: re.Match[str]) -> str:
    low, high, unit = match["from"], match["to"], match["unit2"]
    if unit:
        return f"{numbers.decimal(low)} to {numbers.decimal(high)} {UNITS[unit][1]}"
    falls = float(low.replace(",", "")) > float(high.replace(",", ""))
    is_difference = "−" in match["dash"] or _EQUALS.match(match.string, match.end()) is not None
    if is_difference or (falls and match["dash"] == " - "):
        return f"{numbers.decimal(low)} minus {numbers.decimal(high)}"
    return f"{_year_or_number(low)} to {_year_or_number(high)}"


def _number_list(text: str) -> str:
    """Phone numbers and the like: digits, a group after the other."""
    return ", ".join(numbers.digits(group) for group in re.findall(r"\d+", text))


def _version(match: re.Match[str]) -> str:
    return " point ".join(numbers.cardinal(part) for part in match[0].split("."))


def _number(match: re.Match[str]) -> str:
    return _signed(match["minus3"], match["plain"])


def _serial(match: re.Match[str]) -> str:
    """Digits within a name ("H264", "MP3", "GPT-4")."""
    number = match["serial"]
    if "." in number:
        return " point ".join(_year_or_number(part, years=False) for part in number.split("."))
    return numbers.cardinal(number) if len(number) < 3 else numbers.digits(number)


def _abbreviation(match: re.Match[str]) -> str:
    return ABBREVIATIONS[match["short"].lower()]


def _title(match: re.Match[str]) -> str:
    return TITLES[(match["title"] or match["name"]).lower()]


def _initials(match: re.Match[str]) -> str:
    return " ".join(match["initials"].replace(".", "").upper())


def _word(match: re.Match[str]) -> str:
    return match[0].replace("’", "'")


def _symbol(match: re.Match[str]) -> str:
    is_rest = match[0] in "½¼¾⅓⅔" and match.string[max(0, match.start() - 1) : match.start()].isdigit()
    return f"and {SYMBOLS[match[0]]}" if is_rest else SYMBOLS[match[0]]


def _numbered(_: re.Match[str]) -> str:
    return "number"


def _mark(match: re.Match[str]) -> str:
    mark = match[0].strip()
    if mark in {"-", "--"}:
        return "" if match[0] == "-" else "—"
    return _MARKS.get(mark, mark if mark in _KEPT_MARKS else "")


def _signed(minus: str | None, number: str) -> str:
    return ("minus " if minus else "") + _year_or_number(number, years=False)


def _year_or_number(number: str, *, years: bool = True) -> str:
    is_year = years and len(number) == 4 and number.isdigit() and 1100 <= int(number) <= 2099
    if len(number) > 1 and number[0] == "0" and number.isdigit():
        return numbers.digits(number)
    return numbers.year(number) if is_year else numbers.decimal(number)


def _plain_number(match: re.Match[str]) -> str:
    return ("minus " if match["minus3"] else "") + _year_or_number(match["plain"])


_FULL_STOP = r"\.(?=\s|$|,)"
_TITLES = "|".join(sorted(TITLES, key=len, reverse=True))
_NAMED = "|".join(sorted(map(str.capitalize, TITLES), key=len, reverse=True))
_SHORT = "|".join(re.escape(short) for short in sorted(ABBREVIATIONS, key=len, reverse=True))
_ATTACHED = "|".join(re.escape(unit) for unit in ATTACHED_ONLY)
_RULES: dict[str, Rule] = {
    "decoration": (r"([=+~#<>@&$%*])\1{2,}", lambda _: ""),
    "arrow": (r"-{1,2}>|={1,2}>|<-{1,2}(?![\d-])", lambda _: ","),
    "operator": (
        r"(?<=[\d)])(?:\s?\*\s?(?=[\d(])|\s/\s(?=\d)|/(?=\d{1,15}\s?=)|\^(?=\d))|[<>!=]=",
        lambda match: OPERATORS[match[0].strip()],
    ),
    "until": (
        rf"(?={_DASH}\d)(?:{_BEFORE_DASH}){_DASH}|(?<=\d){_DASH}(?=[{_SIGNS}]\d)",
        lambda _: "to",
    ),
    "address": (
        r"(?<![\w.+-])(?:[\w.+-]+@[\w-]+(?:\.[\w-]+)+|(?:https?://)?(?:[a-z0-9-]+\.)+"
        r"(?:com|org|net|io|ai|dev|de|cn|uk|edu|gov)\b(?:/[^\s,]*[^\s,.!?])?)",
        _address,
    ),
    "date": (
        r"(?:(?P<y1>\d{4})[-/](?P<m1>\d{1,2})[-/](?P<d1>\d{1,2})"
        r"|(?P<m2>\d{1,2})/(?P<d2>\d{1,2})/(?P<y2>\d{4}))(?!\d)",
        _date,
    ),
    "month_day": (
        rf"\b(?P<month>{_ANY_MONTH})\s(?P<day>[12]?\d|3[01])(?:st|nd|rd|th)?"
        r"(?:\s?[-–]\s?(?P<last>[12]?\d|3[01])(?:st|nd|rd|th)?)?(?![\d:.]*\d|,\d{3}(?!\d)|\s?%)"
        r"(?:,?\s(?P<year>[12]\d{3})(?!\d))?",
        _month_day,
    ),
    "day_month": (
        rf"\b(?P<day2>[12]?\d|3[01])(?:st|nd|rd|th)?\s(?P<month2>{_ANY_MONTH})(?!\w)"
        r"(?:\s(?P<year2>[12]\d{3})(?!\d))?",
        _day_month,
    ),
    "time": (
        r"(?P<hour>\d{1,2}):(?P<minute>\d\d)(?::(?P<second>\d\d))?(?!\d)(?:\s?(?P<half>[aApP](?:\.[mM]\.|[mM]\b)))?",
        _time,
    ),
    "hour": (r"\b(?P<bare>1[0-2]|[1-9])\s?(?P<side>[aApP](?:\.[mM]\.|[mM]\b))", _hour),
    "money": (
        rf"(?P<minus4>(?<!\w)[-−])?(?:(?P<sign>[{_SIGNS}])\s?(?P<sum>{_NUMBER})"
        rf"(?:\s?[-–—~]\s?(?P<upto>{_NUMBER})(?![\d-]))?|(?P<sum2>{_NUMBER})\s?"
        rf"(?:(?P<code>{'|'.join(CURRENCY_CODES)})\b|(?P<sign2>[{_SIGNS}])(?!\s?[\d.]))){_SCALE}",
        _money,
    ),
    "percent_range": (rf"(?P<low>{_NUMBER})\s?%?{_DASH}(?P<high>{_NUMBER})\s?%", _percent_range),
    "percent": (rf"(?P<minus1>(?<!\w)[-−])?(?P<share>{_NUMBER})\s?%", _percent),
    "decade": (r"['’]?\b(?P<decade>1\d\d0|20\d0|[2-9]0)s\b", _decade),
    "quantity": (
        rf"(?P<minus2>(?<!\w)[-−])?(?P<amount>{_NUMBER})(?:\s(?!(?:{_ATTACHED})(?!\w))|(?=\S))"
        rf"(?P<unit>{_ANY_UNIT})(?![\w/])",
        _quantity,
    ),
    "ordinal": (r"\b(?P<nth>\d+)(?:st|nd|rd|th)\b", _ordinal),
    "phone": (
        r"(?:\+?\d{1,3}[-\s]?)?\(\d{3}\)\s?\d{3}[-\s]\d{4}(?!\d)|(?:\+\d{1,3}[-\s])?\d{3,4}(?:[-.]\d{2,4}){2,}(?!\d)|\+\d{1,3}(?:[-\s.]?\d{2,4}){2,}(?!\d)",
        lambda match: _number_list(match[0]),
    ),
    "mixed": (r"(?<!/)(?P<whole>\d{1,6})\s(?P<above2>[1-9])/(?P<below2>[2-9]|1\d|100)(?![\d/])", _mixed),
    "fraction": (r"(?<![\d/])(?P<above>[1-9])/(?P<below>[2-9]|1\d|100)(?![\d/]|\s?=)", _fraction),
    "range": (
        rf"(?P<from>{_NUMBER})(?P<dash>{_DASH})(?P<to>{_NUMBER})(?![\d-])"
        rf"(?:\s?(?P<unit2>{_ANY_UNIT})(?![\w/]))?",
        _range,
    ),
    "version": (r"\d+(?:\.\d+){2,}", _version),
    "serial": (r"(?:(?<=[A-Z])-|(?<=[A-Za-z]))(?P<serial>\d+(?:\.\d+)*)", _serial),
    "number": (rf"(?P<minus3>(?<!\w)[-−])?(?P<plain>{_NUMBER})", _plain_number),
    "title": (
        rf"\b(?:(?P<title>(?i:{_TITLES}))\.(?=\s?\d)|(?P<name>{_NAMED})\.(?=\s+[A-Z]))",
        _title,
    ),
    "abbreviation": (rf"\b(?P<short>(?i:{_SHORT}))\.(?=\W|$)", _abbreviation),
    "numbered": (r"#(?=\d)|\b[Nn]o\.\s?(?=\d)", _numbered),
    "initials": (r"\b(?P<initials>(?:[A-Za-z]\.){2,})", _initials),
    "greek": (LONE_GREEK, lambda match: GREEK[match[0]]),
    "circled": (CIRCLED, lambda match: numbers.cardinal(circled_number(match[0]))),
    "about": (r"~(?=\s?\d)", lambda _: "about"),
    "dot": (r"(?<=\w)\.(?=[a-z])", lambda _: "dot"),
    "word": (_WORD, _word),
    "symbol": ("[" + "".join(re.escape(symbol) for symbol in SYMBOLS) + "]", _symbol),
    "mark": (r"\s--?\s|--|[^\w\s]", _mark),
}
"""Tried in this order at each place of a text."""

_READERS = tuple((re.compile(pattern), reader) for pattern, reader in _RULES.values())
