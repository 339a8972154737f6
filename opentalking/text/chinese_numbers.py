"""Numbers as Chinese words. Pure functions; arguments are digits as written."""

_DIGITS = "零一二三四五六七八九"
_POWERS = ("", "十", "百", "千")
_GROUPS = ("", "万", "亿")
_LARGEST_DIGITS = 16
_LARGEST_GROUPED = 12


def digits(number: str, *, phone: bool = False) -> str:
    """One digit after the other: "2024" → "二零二四"; in phone numbers 1 is "幺"."""
    words = "".join(_DIGITS[int(digit)] for digit in number)
    return words.replace("一", "幺") if phone else words


def cardinal(number: str) -> str:
    """A whole number: "10500" → "一万零五百"; more than 16 digits one after the other."""
    number = number.replace(",", "").replace("，", "").lstrip("0") or "0"
    if len(number) > _LARGEST_DIGITS:
        return digits(number)
    if number == "0":
        return "零"
    if len(number) > _LARGEST_GROUPED:
        return _beyond(number[:-8], number[-8:])
    words = ""
    groups = [number[max(0, end - 4) : end] for end in range(len(number), 0, -4)]
    for index in reversed(range(len(groups))):
        group = groups[index]
        if not int(group):
            continue
        spoken = _group(group)
        needs_zero = words and (group.startswith("0") or _ends_in_zeros(groups, index))
        words += ("零" if needs_zero and not spoken.startswith("零") else "") + spoken + _GROUPS[index]
    return words.removeprefix("一") if words.startswith("一十") else words


def decimal(number: str) -> str:
    """A number with or without a fraction: "3.14" → "三点一四"."""
    whole, point, fraction = number.partition(".")
    words = cardinal(whole or "0")
    return f"{words}点{digits(fraction)}" if point and fraction else words


def counted(number: str) -> str:
    """A number before a measure word, where 2 is "两": "2" → "两", "200" → "两百", "2000" → "两千"."""
    words = decimal(number)
    if words == "二":
        return "两"
    return f"两{words[1:]}" if words[:2] in {"二百", "二千", "二万", "二亿"} else words


def _beyond(high: str, low: str) -> str:
    """Ten thousand times 亿 and more: "一万亿", as 兆 also means a million."""
    words = f"{cardinal(high)}亿"
    if not int(low):
        return words
    rest = cardinal(low)
    return words + ("零" if low[0] == "0" else "") + ("一" if rest.startswith("十") else "") + rest


def _group(group: str) -> str:
    """A group of up to four digits, not all zeros, without the zeros at its begin."""
    words = ""
    is_gap = False
    digits_left = group.lstrip("0")
    for place, digit in enumerate(digits_left):
        power = len(digits_left) - place - 1
        if digit == "0":
            is_gap = True
            continue
        words += ("零" if is_gap and words else "") + _DIGITS[int(digit)] + _POWERS[power]
        is_gap = False
    return words


def _ends_in_zeros(groups: list[str], index: int) -> bool:
    """Whether a whole group of zeros lies between this one and the one before it."""
    return index + 1 < len(groups) and not int(groups[index + 1])
