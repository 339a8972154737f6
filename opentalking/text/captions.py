"""A live caption of growing speech: words on which two successive hearings agree stay as they are.

The agreement of two hearings: Liu et al., "Low-Latency Sequence-to-Sequence Speech Recognition and
Translation by Partial Hypothesis Selection" (Interspeech 2020).
"""

import re
from itertools import takewhile

_UNIT = re.compile(r"[^\w\s]*(?:[\u3400-\u9fff\u3040-\u30ff]|[^\s\u3400-\u9fff\u3040-\u30ff]+)[^\w\s]*")
_SIGNS = re.compile(r"[^\w]+")
_COMPARED_UNITS = 40
_DRIFT_UNITS = 20


class Caption:
    """What is shown of an utterance while it is heard again and again, each time to a later point.

    A word (in Chinese and Japanese a character) on which two successive hearings agree is committed: it never
    changes again. Behind it stand the other words of the newest hearing, which may change with the next.
    """

    def __init__(self) -> None:
        self._committed: list[str] = []
        self._last: list[str] = []
        self._end = 0
        """Where the committed words end in the newest hearing."""

    @property
    def committed(self) -> str:
        """The words that stay."""
        return "".join(self._committed).strip()

    def hear(self, text: str, *, to_pause: bool = False) -> str:
        """Take the newest hearing of all the speech so far; the text to show.

        Its last word is not shown, since perhaps only half of it was heard, unless it reaches `to_pause`.
        """
        units = _units(text)
        self._end = _end_of(self._committed, units, self._end)
        rest = units[self._end :]
        agreed = sum(1 for _ in takewhile(_are_alike, zip(self._last, rest, strict=False)))
        agreed = min(agreed, max(0, len(rest) - 1))
        self._committed += rest[:agreed]
        self._end += agreed
        self._last = rest[agreed:]
        shown = self._last if to_pause else self._last[:-1]
        return "".join([*self._committed, *shown]).strip()


def _units(text: str) -> list[str]:
    """Words or characters with the signs and spaces around them; together they are `text`."""
    starts = [match.start() for match in _UNIT.finditer(text)]
    ends = [*starts[1:], len(text)]
    return [text[start:end] for start, end in zip(starts, ends, strict=False)]


def _are_alike(pair: tuple[str, str]) -> bool:
    return _key(pair[0]) == _key(pair[1])


def _key(unit: str) -> str:
    return _SIGNS.sub("", unit).casefold()


def _end_of(committed: list[str], units: list[str], expected: int) -> int:
    """Where `committed` ends in `units`, another hearing of it, near `expected`: with the fewest differences.

    Only the last of the committed words are looked for, from any place on.
    """
    wanted = [_key(unit) for unit in committed[-_COMPARED_UNITS:]]
    first = max(0, expected - len(wanted) - _DRIFT_UNITS)
    keys = [_key(unit) for unit in units[first : expected + _DRIFT_UNITS]]
    costs = [0 if len(committed) > len(wanted) else column for column in range(len(keys) + 1)]
    for row, unit in enumerate(wanted, 1):
        diagonal, costs[0] = costs[0], row
        for column, key in enumerate(keys, 1):
            swapped = diagonal + (unit != key)
            diagonal, costs[column] = costs[column], min(swapped, costs[column] + 1, costs[column - 1] + 1)
    fewest = min(costs)
    ends = [first + end for end, cost in enumerate(costs) if cost == fewest]
    return min(ends, key=lambda end: abs(end - expected))
