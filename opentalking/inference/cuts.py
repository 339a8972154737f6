"""Where the sound of a sentence is cut into stretches. Pure functions, standard library only."""

from collections.abc import Callable, Sequence

from opentalking.inference.alignment import GAP, SILENT, Cuts, TimedSentence


def gap_cuts(sentence: TimedSentence, sizes: Sequence[int]) -> Cuts:
    """Cuts between words, into stretches of at least `sizes` samples (the last one repeats)."""

    def fits(index: int, length: int, number: int) -> bool:
        is_free = _is_between_words(sentence.owners, index)
        return is_free and length >= sizes[min(number, len(sizes) - 1)]

    return _cuts(sentence, sizes[0], fits)


def pause_cuts(sentence: TimedSentence, least: int, sizes: Sequence[int]) -> Cuts:
    """Cuts in pauses, into stretches of at least `least` samples; beyond `sizes` between any two words.

    `sizes` are those of the first, second, … stretch; the last one repeats. What is read for one word of
    the text (a number of a hundred digits) is cut when it gets twice as long.
    """

    def fits(index: int, length: int, number: int) -> bool:
        is_pause = sentence.phones[index - 1].symbol in SILENT
        if not _is_between_words(sentence.owners, index):
            return length >= 2 * sizes[-1]
        return length >= sizes[min(number, len(sizes) - 1)] or (is_pause and length >= least)

    return _cuts(sentence, least, fits)


def _cuts(sentence: TimedSentence, least_left: int, fits: Callable[[int, int, int], bool]) -> Cuts:
    """Cuts behind the gaps that `fits` (index of the gap, length and number of the stretch before it)."""
    cuts = [(0, 0)]
    at = 0
    for index, phone in enumerate(sentence.phones):
        at += phone.samples
        if phone.symbol != GAP or sentence.total_samples - at < least_left:
            continue
        if fits(index, at - cuts[-1][0], len(cuts) - 1):
            cuts.append((at, index + 1))
    return [*cuts, (sentence.total_samples, len(sentence.phones))]


def _is_between_words(owners: Sequence[int | None], index: int) -> bool:
    """Whether the gap at `index` parts two words, and not two spoken parts of one (such as "$25")."""
    before = next((owner for owner in reversed(owners[:index]) if owner is not None), None)
    after = next((owner for owner in owners[index:] if owner is not None), None)
    return before != after
