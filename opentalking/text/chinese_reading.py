"""How Chinese is read aloud: numbers, dates, times, money and units in words; Latin words stay."""

import re
from collections.abc import Callable

from opentalking.text import chinese_numbers as numbers
from opentalking.text.narrow import CIRCLED, GREEK, LONE_GREEK, circled_number, narrowed
from opentalking.text.spoken import Spoken, read_with

_NUMBER = r"(?:(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)?|(?<![\w.])\.\d+)"
_CURRENCIES = {"$": "美元", "€": "欧元", "£": "英镑", "¥": "元", "￥": "元", "₹": "卢比", "₩": "韩元"}
_CODES = {"USD": "美元", "EUR": "欧元", "GBP": "英镑", "CNY": "元", "RMB": "元", "JPY": "日元", "HKD": "港元"}
_UNITS = {
    "km/h": "公里每小时",
    "m/s": "米每秒",
    "km²": "平方公里",
    "m²": "平方米",
    "㎡": "平方米",
    "m³": "立方米",
    "㎞": "公里",
    "㎏": "公斤",
    "km": "公里",
    "cm": "厘米",
    "mm": "毫米",
    "m": "米",
    "kg": "公斤",
    "mg": "毫克",
    "g": "克",
    "ml": "毫升",
    "mL": "毫升",
    "L": "升",
    "°C": "摄氏度",
    "℃": "摄氏度",
    "°F": "华氏度",
    "℉": "华氏度",
    "°": "度",
    "ms": "毫秒",
    "s": "秒",
    "min": "分钟",
    "h": "小时",
    "kB": "千字节",
    "KB": "千字节",
    "MB": "兆",
    "GB": "吉字节",
    "TB": "太字节",
    "Mbps": "兆每秒",
    "Hz": "赫兹",
    "kHz": "千赫兹",
    "MHz": "兆赫兹",
    "GHz": "吉赫兹",
    "W": "瓦",
    "kW": "千瓦",
    "kWh": "千瓦时",
    "V": "伏",
    "mAh": "毫安时",
    "px": "像素",
    "fps": "帧每秒",
    "dB": "分贝",
}
_ANY_UNIT = "|".join(re.escape(unit) for unit in sorted(_UNITS, key=len, reverse=True))
_SIGNS = "".join(re.escape(sign) for sign in _CURRENCIES)
# After these a number is counted, and 2 is 两.
_MEASURES = (
    "个只位次件条张本辆台名岁天周句份块元毛分钟小时点年号路楼层间家杯瓶碗双对种类项场首部篇页段倍米克斤公"
    "吨万亿千百秒人所座匹头棵支枚顿套盒包袋款步多"
)
_NOT_COUNTED = frozenset("月日号路楼层")
_SYMBOLS = {
    "+": "加",
    "=": "等于",
    "&": "和",
    "@": "at",
    "×": "乘以",
    "÷": "除以",
    "°": "度",
    "±": "正负",
    "≤": "小于等于",
    "≥": "大于等于",
    "≠": "不等于",
    "²": "的平方",
    "³": "的立方",
    "½": "二分之一",
    "<": "小于",
    ">": "大于",
    "≈": "约等于",
    "#": "井号",
}
_MARKS = dict(zip("，、。！？；：（）【】", ",,.!?;:()()", strict=True)) | {
    "．": ".",
    "｡": ".",
    "《": "“",
    "》": "”",
    "「": "“",
    "」": "”",
    "『": "“",
    "』": "”",
    "«": "“",
    "»": "”",
    "–": "—",
    "－": "—",
    "·": "",
    "'": "",
    "‘": "",
    "’": "",
}
_KEPT_MARKS = ',.!?;:—…"()“”'
_OPERATORS = {"*": "乘", "/": "除以", "<=": "小于等于", ">=": "大于等于", "!=": "不等于", "==": "等于"}
_LATIN_LETTER = r"[^\W\d_\u2e80-\u9fff²³½①-⑳]"
_LATIN = rf"{_LATIN_LETTER}+(?:['’]{_LATIN_LETTER}+)*"
_DASH = r"\s?[-–—−－~～]\s?"
_BEFORE_DASH = "|".join(
    ["(?<=[%％年月日号点时分元])", r"(?<=:\d\d)", r"(?<=第\d)", r"(?<=第\d\d)"]
    + [rf"(?<=[\d\s]{re.escape(unit)})" for unit in _UNITS]
)
_MINUS = r"(?P<minus>(?<![A-Za-z\d])[-−])?"
_EQUALS = re.compile(r"\s?=")
_FOLLOWING = re.compile(r"\s?(.?)(.?)", re.DOTALL)
_HAN = r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff〇\U00020000-\U0003ffff]"

Rule = tuple[str, Callable[[re.Match[str]], str]]


def read_chinese(text: str) -> list[Spoken]:
    """Han characters, Latin words and marks as they are spoken, in order, each with its place in `text`.

    Runs of Han characters stay together, so that words can be found in them; what replaces a
    number is a run of its own. Marks are those of `,.!?;:—…"()“”`.
    """
    return list(read_with(_READERS, narrowed(text)))


def _year(match: re.Match[str]) -> str:
    return numbers.digits(match["year"])


def _date(match: re.Match[str]) -> str:
    year, month, day = match["y"], match["m"], match["d"]
    if not (1 <= int(month) <= 12 and 1 <= int(day) <= 31):
        return numbers.digits("".join(re.findall(r"\d", match[0])))
    return f"{numbers.digits(year)}年{numbers.cardinal(month)}月{numbers.cardinal(day)}日"


def _time(match: re.Match[str]) -> str:
    hour, minute, second = match["hour"], match["minute"], match["second"]
    if int(hour) > 24 or int(minute) > 59:
        return f"{numbers.cardinal(hour)}比{numbers.cardinal(minute)}"
    words = f"{numbers.counted(hour)}点"
    if int(minute):
        zero = "零" if int(minute) < 10 else ""
        words += f"{zero}{numbers.cardinal(minute)}分"
    elif not second:
        words += "整" if int(hour) else ""
    return words + (f"{numbers.cardinal(second)}秒" if second and int(second) else "")


def _percent(match: re.Match[str]) -> str:
    minus = "负" if match["minus"] else ""
    return f"{minus}百分之{numbers.decimal(match['share'])}"


def _percent_range(match: re.Match[str]) -> str:
    return f"百分之{numbers.decimal(match['low'])}到百分之{numbers.decimal(match['high'])}"


def _money(match: re.Match[str]) -> str:
    currency = _CURRENCIES.get(match["sign"] or match["sign2"] or "") or _CODES[match["code"]]
    amount = match["sum"] or match["sum2"]
    if "." in amount:
        amount = amount.rstrip("0").rstrip(".")
    minus = "负" if match["minus"] else ""
    return f"{minus}{numbers.counted(amount)}{match['scale'] or ''}{currency}"


def _quantity(match: re.Match[str]) -> str:
    minus = "负" if match["minus"] else ""
    unit = _UNITS[match["unit"]]
    if match["unit"] in {"°C", "℃"} and minus:
        minus = "零下"
    amount = numbers.decimal(match["amount"]) if unit.endswith("度") else numbers.counted(match["amount"])
    return f"{minus}{amount}{unit}"


def _fraction(match: re.Match[str]) -> str:
    return f"{numbers.cardinal(match['below'])}分之{numbers.cardinal(match['above'])}"


def _range(match: re.Match[str]) -> str:
    low, high = match["low"], match["high"]
    if match["unit"]:
        return f"{numbers.counted(low)}到{numbers.counted(high)}{_UNITS[match['unit']]}"
    falls = float(low.replace(",", "")) > float(high.replace(",", ""))
    is_difference = "−" in match["dash"] or _EQUALS.match(match.string, match.end()) is not None
    if is_difference or (falls and match["dash"] == " - "):
        return f"{numbers.decimal(low)}减{numbers.decimal(high)}"
    if all(len(end) == 4 and "1000" <= end <= "2999" for end in (low, high)):
        return f"{numbers.digits(low)}到{numbers.digits(high)}"
    return f"{_count_or_number(low, match)}到{_count_or_number(high, match)}"


def _phone(match: re.Match[str]) -> str:
    return numbers.digits("".join(re.findall(r"\d", match[0])), phone=True)


def _version(match: re.Match[str]) -> str:
    return "点".join(numbers.cardinal(part) for part in match[0].split("."))


def _serial(match: re.Match[str]) -> str:
    number = match["serial"]
    if "." in number:
        return (
            numbers.decimal(number)
            if number.count(".") == 1
            else "点".join(map(numbers.cardinal, number.split(".")))
        )
    return numbers.cardinal(number) if len(number) < 3 else numbers.digits(number, phone=True)


def _score(match: re.Match[str]) -> str:
    return f"{numbers.cardinal(match['ours'])}比{numbers.cardinal(match['theirs'])}"


def _number(match: re.Match[str]) -> str:
    minus = "负" if match["minus"] else ""
    return minus + _count_or_number(match["plain"], match)


def _count_or_number(number: str, match: re.Match[str]) -> str:
    if len(number) > 1 and number[0] == "0" and number.isdigit():
        return numbers.digits(number)
    found = _FOLLOWING.match(match.string, match.end())
    measure, after = found.groups() if found else ("", "")
    is_counted = measure and measure in _MEASURES and measure not in _NOT_COUNTED
    if measure + after == "年级":
        is_counted = False
    return numbers.counted(number) if is_counted else numbers.decimal(number)


def _symbol(match: re.Match[str]) -> str:
    return _SYMBOLS[match[0]]


def _tilde(match: re.Match[str]) -> str:
    """Between numbers it is "to" and before one "about"; behind a word it only sounds friendly."""
    if not match["number"]:
        return ""
    before = match.string[max(0, match.start() - 1) : match.start()]
    return "到" if before.isalnum() else "约"


def _mark(match: re.Match[str]) -> str:
    mark = match[0].strip()
    if mark in {"——", "--", "—"}:
        return "—"
    if mark in {"……", "...", "。。。"}:
        return "…"
    return _MARKS.get(mark, mark if mark in _KEPT_MARKS else "")


_SCALE = r"(?P<scale>[十百千万亿]+)?"
_RULES: dict[str, Rule] = {
    "han": (rf"{_HAN}+", lambda match: match[0]),
    "decoration": (r"([=+~～#<>@&$%*])\1{2,}", lambda _: ""),
    "arrow": (r"-{1,2}>|={1,2}>|<-{1,2}(?![\d-])", lambda _: ","),
    "operator": (
        r"(?<=[\d)])(?:\s?\*\s?(?=[\d(])|\s/\s(?=\d)|/(?=\d{1,15}\s?=))|[<>!=]=",
        lambda match: _OPERATORS[match[0].strip()],
    ),
    "until": (
        rf"(?={_DASH}\d)(?:{_BEFORE_DASH}){_DASH}|(?<=\d){_DASH}(?=[{_SIGNS}]\d)",
        lambda _: "到",
    ),
    "date": (r"(?P<y>\d{4})[-/.](?P<m>\d{1,2})[-/.](?P<d>\d{1,2})(?!\d)", _date),
    "year": (r"(?P<year>(?:1\d|20|21)\d{2})(?=\s?年(?!级|纪|的?历史|文明))", _year),
    "time": (r"(?P<hour>\d{1,2})[:：](?P<minute>\d\d)(?:[:：](?P<second>\d\d))?(?!\d)", _time),
    "percent_range": (rf"(?P<low>{_NUMBER})%?\s?[-–~～]\s?(?P<high>{_NUMBER})\s?[%％]", _percent_range),
    "percent": (rf"{_MINUS}(?P<share>{_NUMBER})\s?[%％]", _percent),
    "money": (
        rf"{_MINUS}(?:(?P<sign>[{_SIGNS}])\s?(?P<sum>{_NUMBER})|(?P<sum2>{_NUMBER})\s?"
        rf"(?:(?P<code>{'|'.join(_CODES)})(?![A-Za-z])|(?P<sign2>[{_SIGNS}])(?!\s?[\d.]))){_SCALE}",
        _money,
    ),
    "quantity": (
        rf"{_MINUS}(?P<amount>{_NUMBER})\s?(?P<unit>{_ANY_UNIT})(?![A-Za-z/])",
        _quantity,
    ),
    "ordinal": (r"(?<=第)\s?(?P<nth>\d+)", lambda match: numbers.cardinal(match["nth"])),
    "phone": (
        r"(?:\+?86[-\s]?)?1\d{2}[-\s]?\d{4}[-\s]?\d{4}(?!\d)|0\d{2,3}-\d{7,8}(?!\d)"
        r"|\d{3,4}(?:-\d{3,4}){2}(?![\d-])",
        _phone,
    ),
    "fraction": (r"(?<![\d/])(?P<above>\d{1,3})/(?P<below>[1-9]\d{0,2})(?![\d/]|\s?=)", _fraction),
    "score": (r"(?P<ours>\d{1,3})[:：](?P<theirs>\d{1,3})(?!\d)", _score),
    "range": (
        rf"(?P<low>{_NUMBER})(?P<dash>{_DASH})(?P<high>{_NUMBER})(?![\d-])"
        rf"(?:\s?(?P<unit>{_ANY_UNIT})(?![A-Za-z/]))?",
        _range,
    ),
    "version": (r"\d+(?:\.\d+){2,}", _version),
    "serial": (r"(?:(?<=[A-Z])-|(?<=[A-Za-z]))(?P<serial>\d+(?:\.\d+)*)", _serial),
    "number": (rf"(?P<minus>(?<![^\W是为到至于约达值])[-−])?(?P<plain>{_NUMBER})", _number),
    "greek": (LONE_GREEK, lambda match: GREEK[match[0]]),
    "circled": (CIRCLED, lambda match: numbers.cardinal(circled_number(match[0]))),
    "dot": (r"(?<=[A-Za-z\d])\.(?=[a-z])", lambda _: "点"),
    "tilde": (r"[~～](?:(?=\s?(?P<number>[\d$￥¥])))?", _tilde),
    "latin": (_LATIN, lambda match: match[0].replace("’", "'")),
    "symbol": ("[" + "".join(re.escape(symbol) for symbol in _SYMBOLS) + "]", _symbol),
    "mark": (r"——|--|……|\.\.\.|。。。|[^\w\s]", _mark),
}
"""Tried in this order at each place of a text."""

_READERS = tuple((re.compile(pattern), reader) for pattern, reader in _RULES.values())
