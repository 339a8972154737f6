"""From a voice model's durations to phoneme and word timings. Pure functions, standard library only."""

import itertools
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

SILENT = frozenset("^$_.,;:!?¡¿—–-…()\"'«»“”")
_STRESS = frozenset("ˈˌ")
_SPOKEN_MARKS = frozenset("$€£¥%&+@#")
_WORD = re.compile(r"\S+")
GAP = " "
# Costs of the alignment of a sentence with its words spoken one by one: a gap between two words may
# vanish cheaply (espeak joins "of a"), but where both have one, they belong together.
_SUBSTITUTE, _INSERT, _DELETE, _LOSE_GAP, _NEVER = 1.0, 1.0, 1.0, 0.4, 1e9
_MOST_CELLS = 250_000  # of the cost table: about a tenth of a second


@dataclass(frozen=True, slots=True)
class Phone:
    """A symbol as the voice model consumes it, with the samples that it fills."""

    symbol: str
    samples: int


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of sound, in samples: a phoneme ("" is silence) or, with text offsets, a word."""

    symbol: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class TextWord:
    """A word of a text and its character offsets, surrounding punctuation left out."""

    text: str
    start: int
    end: int


def words_of(text: str) -> list[TextWord]:
    """The speakable words of `text`, split at white space; each CJK character is a word."""
    words: list[TextWord] = []
    for match in _WORD.finditer(text):
        for start, end in _split_wide(text, match.start(), match.end()):
            spoken = [at for at in range(start, end) if text[at].isalnum() or text[at] in _SPOKEN_MARKS]
            if spoken:
                first, last = spoken[0], spoken[-1] + 1
                words.append(TextWord(text[first:last], first, last))
    return words


def _split_wide(text: str, start: int, end: int) -> list[tuple[int, int]]:
    pieces: list[tuple[int, int]] = []
    begin = start
    for at in range(start, end):
        if "\u3040" <= text[at] <= "\u9fff" or "\uac00" <= text[at] <= "\ud7af":
            if begin < at:
                pieces.append((begin, at))
            pieces.append((at, at + 1))
            begin = at + 1
    if begin < end:
        pieces.append((begin, end))
    return pieces


def phonemes_of(phones: Sequence[Phone]) -> list[Span]:
    """Merge what has no mouth shape of its own.

    Stress marks go to the following vowel, length marks and other modifiers to the preceding
    sound. A gap between words is no silence: it is shared between its neighbours, unless it
    stands beside punctuation.
    """
    spans: list[Span] = []
    at = 0
    held_start: int | None = None
    for index, phone in enumerate(phones):
        start, at = at, at + phone.samples
        if phone.symbol in _STRESS:
            held_start = start if held_start is None else held_start
            continue
        if phone.symbol == GAP and not _beside_silence(phones, index):
            middle = (start + at) // 2
            if spans:
                spans[-1] = Span(spans[-1].symbol, spans[-1].start, middle)
            held_start = middle
            continue
        begin = start if held_start is None else held_start
        held_start = None
        _append(spans, phone.symbol, begin, at)
    if held_start is not None and spans:
        spans[-1] = Span(spans[-1].symbol, spans[-1].start, at)
    return spans


def _append(spans: list[Span], symbol: str, start: int, end: int) -> None:
    if _is_modifier(symbol) and spans and spans[-1].symbol:
        spans[-1] = Span(spans[-1].symbol + symbol, spans[-1].start, end)
        return
    name = "" if symbol in SILENT or symbol == GAP else symbol
    if not name and spans and not spans[-1].symbol:
        spans[-1] = Span("", spans[-1].start, end)
        return
    spans.append(Span(name, start, end))


def _beside_silence(phones: Sequence[Phone], index: int) -> bool:
    before = phones[index - 1].symbol if index else "^"
    after = phones[index + 1].symbol if index + 1 < len(phones) else "$"
    return before in SILENT or after in SILENT


def _is_modifier(symbol: str) -> bool:
    return all(unicodedata.category(character) in {"Lm", "Mn", "Sk"} for character in symbol)


def assign_words(spoken: Sequence[str], words: Sequence[Sequence[str]]) -> list[int | None]:
    """For each symbol of `spoken`, the index of the word that it belongs to (None: to no word).

    `words` holds the symbols of each word spoken alone. Numbers and abbreviations expand to
    several spoken words there as well; joined and reduced words differ a little: the two
    strings are aligned with the least edit cost (Needleman and Wunsch, 1970); absurdly long ones in
    proportion.
    """
    reference: list[str] = []
    owners: list[int] = []
    for index, symbols in enumerate(words):
        if reference:
            reference.append(GAP)
            owners.append(-1)
        sounds = [symbol for symbol in symbols if _is_sound(symbol)]
        reference += sounds
        owners += [index] * len(sounds)
    places = [place for place, symbol in enumerate(spoken) if _is_sound(symbol) or symbol == GAP]
    if len(places) * len(reference) > _MOST_CELLS:
        pairs: list[int | None] = [at * len(reference) // len(places) for at in range(len(places))]
    else:
        pairs = _align([spoken[place] for place in places], reference)
    owned: list[int | None] = [None] * len(spoken)
    for place, partner in zip(places, pairs, strict=True):
        if partner is not None and owners[partner] >= 0 and spoken[place] != GAP:
            owned[place] = owners[partner]
    return _fill(owned, spoken)


def _is_sound(symbol: str) -> bool:
    return symbol not in SILENT and symbol not in _STRESS and symbol != GAP and not _is_modifier(symbol)


def _align(left: Sequence[str], right: Sequence[str]) -> list[int | None]:
    """For each item of `left`, its partner in `right` or None."""
    costs = [[0.0] * (len(right) + 1) for _ in range(len(left) + 1)]
    for column, symbol in enumerate(right, 1):
        costs[0][column] = costs[0][column - 1] + _drop_cost(symbol, _DELETE)
    for row, symbol in enumerate(left, 1):
        above, line = costs[row - 1], costs[row]
        line[0] = above[0] + _drop_cost(symbol, _INSERT)
        insert = _drop_cost(symbol, _INSERT)
        for column, other in enumerate(right, 1):
            line[column] = min(
                above[column - 1] + _pair_cost(symbol, other),
                above[column] + insert,
                line[column - 1] + _drop_cost(other, _DELETE),
            )
    return _trace(costs, left, right)


def _trace(costs: list[list[float]], left: Sequence[str], right: Sequence[str]) -> list[int | None]:
    pairs: list[int | None] = [None] * len(left)
    row, column = len(left), len(right)
    while row and column:
        cost = costs[row][column]
        if cost == costs[row - 1][column - 1] + _pair_cost(left[row - 1], right[column - 1]):
            row, column = row - 1, column - 1
            pairs[row] = column
        elif cost == costs[row - 1][column] + _drop_cost(left[row - 1], _INSERT):
            row -= 1
        else:
            column -= 1
    return pairs


def _pair_cost(symbol: str, other: str) -> float:
    if symbol == other:
        return 0.0
    return _NEVER if GAP in (symbol, other) else _SUBSTITUTE


def _drop_cost(symbol: str, cost: float) -> float:
    return _LOSE_GAP if symbol == GAP else cost


def _fill(owned: list[int | None], spoken: Sequence[str]) -> list[int | None]:
    """Give sounds without a partner to the word of the sound before, else of the one after."""
    last: int | None = None
    for place, symbol in enumerate(spoken):
        if owned[place] is not None:
            last = owned[place]
        elif _is_sound(symbol):
            owned[place] = last
    first = next((owner for owner in owned if owner is not None), None)
    return [
        first if owner is None and _is_sound(symbol) else owner
        for owner, symbol in zip(owned, spoken, strict=True)
    ]


def word_spans(phones: Sequence[Phone], owners: Sequence[int | None]) -> dict[int, tuple[int, int]]:
    """Start and end sample of each word that owns at least one of `phones`."""
    spans: dict[int, tuple[int, int]] = {}
    at = 0
    for phone, owner in zip(phones, owners, strict=True):
        start, at = at, at + phone.samples
        if owner is not None:
            spans[owner] = (spans[owner][0] if owner in spans else start, at)
    return spans


def complete_words(count: int, spans: dict[int, tuple[int, int]], total: int) -> list[tuple[int, int]]:
    """A span for every one of `count` words, in order and without overlap.

    Words without sound of their own share that of the known word before them, else what lies
    before the first.
    """
    known = sorted(spans)
    result: list[tuple[int, int]] = []
    if not known or known[0] > 0:
        lost = known[0] if known else count
        result += _share((0, spans[known[0]][0] if known else total), lost)
    for index, following in zip(known, [*known[1:], count], strict=False):
        result += _share(spans[index], following - index)
    return result


def _share(span: tuple[int, int], count: int) -> list[tuple[int, int]]:
    start, step = span[0], (span[1] - span[0]) / max(1, count)
    return [(round(start + step * n), round(start + step * (n + 1))) for n in range(count)]


def proportional(words: Sequence[TextWord], total: int) -> list[tuple[int, int]]:
    """Spans in proportion to the words' lengths, for voices without durations."""
    weights = [len(word.text) + 1 for word in words]
    scale = total / max(1, sum(weights))
    spans: list[tuple[int, int]] = []
    at = 0.0
    for weight in weights:
        spans.append((round(at), round(at + weight * scale)))
        at += weight * scale
    return spans


@dataclass(frozen=True, slots=True)
class TimedSentence:
    """A sentence as the voice will speak it.

    `owners` names for each of `phones` the word that it belongs to (index in the text); the
    sentence holds the words from `first_word` to before `end_word`. Without `phones` the model
    does not tell durations.
    """

    phones: Sequence[Phone]
    owners: Sequence[int | None]
    first_word: int
    end_word: int
    total_samples: int


@dataclass(frozen=True, slots=True)
class SpokenWord:
    """A word's character offsets in the text and its samples in a stretch."""

    text_start: int
    text_end: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Stretch:
    """The samples from `start` to `end` of a sentence and what sounds in them, relative to `start`."""

    start: int
    end: int
    text_start: int
    text_end: int
    phonemes: tuple[Span, ...]
    words: tuple[SpokenWord, ...]

    def cut(self, start: int, end: int) -> "Stretch":
        """Without the sound before `start` and from `end` on (relative to this stretch)."""
        spans = [Span(p.symbol, max(p.start, start), min(p.end, end)) for p in self.phonemes]
        return Stretch(
            self.start + start,
            self.start + end,
            self.text_start,
            self.text_end,
            tuple(Span(p.symbol, p.start - start, p.end - start) for p in spans if p.end > p.start),
            tuple(
                SpokenWord(w.text_start, w.text_end, max(0, w.start - start), max(0, w.end - start))
                for w in self.words
            ),
        )


Cuts = Sequence[tuple[int, int]]
"""Where stretches begin, as (sample, index of the phone); the end of the sentence comes last."""


def stretches(sentence: TimedSentence, words: Sequence[TextWord], cuts: Cuts) -> list[Stretch]:
    """A sentence in the stretches that `gap_cuts` or `pause_cuts` made.

    The texts of the stretches follow each other without a hole: the first begins where its first
    word does (or at 0), each ends where the next one's first word begins, the last at the next
    sentence's first word (or at the end, which is given as -1).
    """
    mine = words[sentence.first_word : sentence.end_word]
    spans = _word_times(sentence, mine)
    text_start = 0 if sentence.first_word == 0 else _text_start(words, sentence.first_word)
    result: list[Stretch] = []
    for (start, first_phone), (end, end_phone) in itertools.pairwise(cuts):
        is_last = end == sentence.total_samples
        inside = [at for at, span in enumerate(spans) if start <= span[0] and (span[0] < end or is_last)]
        following = sentence.first_word + (inside[-1] + 1 if inside else _count_before(spans, start))
        text_end = _text_start(words, sentence.end_word if is_last else following)
        result.append(
            Stretch(
                start,
                end,
                text_start,
                text_end,
                tuple(phonemes_of(sentence.phones[first_phone:end_phone])),
                tuple(
                    SpokenWord(mine[at].start, mine[at].end, spans[at][0] - start, spans[at][1] - start)
                    for at in inside
                ),
            )
        )
        text_start = text_end
    return result


def _word_times(sentence: TimedSentence, mine: Sequence[TextWord]) -> list[tuple[int, int]]:
    if not sentence.phones:
        return proportional(mine, sentence.total_samples)
    spans = word_spans(sentence.phones, sentence.owners)
    known = {word - sentence.first_word: span for word, span in spans.items()}
    return complete_words(len(mine), known, sentence.total_samples)


def _count_before(spans: Sequence[tuple[int, int]], start: int) -> int:
    return sum(span[0] < start for span in spans)


def _text_start(words: Sequence[TextWord], index: int) -> int:
    return words[index].start if index < len(words) else -1
