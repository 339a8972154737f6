"""From a planned sentence to the parts that a voice engine sends.

A part is a stretch of sound, cut between words: header `text` (`[start, end]` of the stretch in its
clause, -1 for its end), `last` (whether it ends the clause), `sample_rate`, `phonemes` as `[symbol,
start, end]`, `words` as `[text_start, text_end, start, end]`; offsets are characters of the clause,
times samples of the stretch; data are int16 mono. The first part of a sentence has an `outlook`: the words
of all of it, from its start.
"""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from opentalking.audio.silence import speech_bounds
from opentalking.inference.alignment import Stretch
from opentalking.inference.framing import Json, Part

_HEAD_SECONDS = 0.012
_TAIL_SECONDS, _PAUSE_SECONDS = 0.12, 0.3  # after the text, and between its sentences
_SILENCE = 0.006

MakeSound = Callable[[int, int], NDArray[np.int16]]
"""Makes the samples from `start` to `end` of a sentence."""


def sound_parts(
    make: MakeSound, pieces: Sequence[Stretch], sample_rate: int, *, ends_text: bool
) -> Iterator[Part]:
    """The parts of one sentence, without the silence around it, each made when it is asked for."""
    for number, piece in enumerate(pieces):
        is_first, is_last = number == 0, number == len(pieces) - 1
        pcm = make(piece.start, piece.end)
        tail_seconds = _TAIL_SECONDS if ends_text else _PAUSE_SECONDS
        tail = int(tail_seconds * sample_rate)
        start, end = speech_bounds(pcm, _SILENCE, int(_HEAD_SECONDS * sample_rate), tail)
        end = end or min(tail, len(pcm))  # never nothing: the last stretch must arrive
        start, end = (start if is_first else 0), (end if is_last else len(pcm))
        trimmed = piece.cut(start, end)
        header: Json = {"sample_rate": sample_rate, "last": ends_text and is_last, **_timings(trimmed)}
        if is_first:
            header["outlook"] = _outlook(pieces, trimmed.start)
        yield Part(header, pcm[start:end].tobytes())


def _outlook(pieces: Sequence[Stretch], origin: int) -> list[list[int]]:
    """Every word of a sentence as `[text_start, text_end, start, end]`, samples from `origin` on."""
    return [
        [word.text_start, word.text_end, piece.start + word.start - origin, piece.start + word.end - origin]
        for piece in pieces
        for word in piece.words
    ]


def _timings(piece: Stretch) -> Json:
    return {
        "text": [piece.text_start, piece.text_end],
        "phonemes": [[span.symbol, span.start, span.end] for span in piece.phonemes],
        "words": [[word.text_start, word.text_end, word.start, word.end] for word in piece.words],
    }
