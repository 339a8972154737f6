"""Which mouth shape goes with which phoneme symbol of the engines, and label tracks made from timings.

A shape is one of `SHAPES`: the visemes of the renderer, and "breath" for h, which takes on its
neighbours' shape.
"""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

RATE = 16_000
HOP_SECONDS = 0.01
HOP = int(RATE * HOP_SECONDS)

SHAPES = (
    "rest", "closed", "teeth_on_lip", "open", "half_open", "front", "spread", "relaxed_spread", "neutral",
    "round_open", "round", "round_close", "hiss", "hush", "tongue_between", "tongue_up", "tap", "back",
    "rhotic", "breath",
)  # fmt: skip
"""What the network tells apart."""

Segment = tuple[str, float, float]
"""Shape, start and end in seconds."""

_ARPABET = {
    "AA": "open", "AE": "open", "AH": "half_open", "AO": "round_open", "AW": "open round",
    "AX": "neutral", "AY": "open relaxed_spread", "B": "closed", "CH": "hush", "D": "tap",
    "DH": "tongue_between", "EH": "front", "ER": "rhotic", "EY": "front spread", "F": "teeth_on_lip",
    "G": "back", "HH": "breath", "IH": "relaxed_spread", "IY": "spread", "JH": "hush", "K": "back",
    "L": "tongue_up", "M": "closed", "N": "tap", "NG": "back", "OW": "round round_close",
    "OY": "round_open spread", "P": "closed", "R": "rhotic", "S": "hiss", "SH": "hush",
    "T": "tap", "TH": "tongue_between", "UH": "round", "UW": "round_close", "V": "teeth_on_lip",
    "W": "round_close", "Y": "spread", "Z": "hiss", "ZH": "hush", "SIL": "rest", "PAU": "rest",
}  # fmt: skip

_IPA: dict[str, str] = {
    "A": "front spread", "I": "open relaxed_spread", "O": "round round_close", "Q": "neutral round_close",
    "W": "open round", "Y": "round_open spread", "ᵊ": "neutral", "ᵻ": "relaxed_spread", "T": "tap",
    "ʤ": "hush", "ʧ": "hush", "ʦ": "hiss", "ʣ": "hiss", "ʨ": "hiss", "ʥ": "hiss", "ꭧ": "hush",
}  # fmt: skip
LETTERS = {
    "closed": "pbm",
    "teeth_on_lip": "fvʋ",
    "open": "aɑɒɐæ",
    "half_open": "ʌɜ",
    "front": "eɛœø",
    "spread": "ij",
    "relaxed_spread": "ɪɨyɯ",
    "neutral": "əɤʔ",
    "breath": "h",
    "round_open": "ɔ",
    "round": "oʊ",
    "round_close": "uwɥ",
    "hiss": "szɕç",
    "hush": "ʃʒʂʐ",
    "tongue_between": "θð",
    "tongue_up": "lɫ",
    "tap": "tdnɾɲ",
    "back": "kɡgŋx",
    "rhotic": "ɹɻɚr",
}
_IPA |= {letter: shape for shape, letters in LETTERS.items() for letter in letters}
_STRESS, _LONG, _ASPIRATED, _TONES = "ˈˌ", "ː", "ʰ", "↓→↗↘"


def of_arpabet(phones: Iterable[tuple[str, float, float]]) -> list[Segment]:
    """Segments of (CMU phone, start, end); unknown names are silence."""
    segments: list[Segment] = []
    for phone, start, end in phones:
        name = phone.rstrip("012").upper()
        segments += _spread(_ARPABET.get(name, "rest"), start, end)
    return segments


def of_ipa(symbols: Sequence[str], ends: Sequence[float], *, mandarin: bool = False) -> list[Segment]:
    """Segments of the IPA `symbols` that end at `ends` (seconds), as Kokoro and Piper write them.

    Stress marks and aspiration lend their time to what follows, length and tone to what precedes.
    Spaces and punctuation become "?": whether they are silence is up to the sound (`track`).
    """
    merged: list[Segment] = []
    start, borrowed = 0.0, None
    for symbol, end in zip(symbols, ends, strict=True):
        first = start if borrowed is None else borrowed
        if symbol in _STRESS + _ASPIRATED:
            borrowed = first
        elif symbol in _LONG + _TONES + "\u0329\u032f\u0303" and merged:
            merged[-1] = (merged[-1][0], merged[-1][1], end)
        else:
            merged.append((symbol, first, end))
            borrowed = None
        start = end
    segments: list[Segment] = []
    followers = [symbol for symbol, _, _ in merged[1:]]
    for (symbol, first, last), follower in zip(merged, [*followers, ""], strict=True):
        rhotic = follower == "ɹ" and (symbol == "ɜ" or (symbol == "ə" and not mandarin))
        segments += _spread("rhotic" if rhotic else _IPA.get(symbol, "?"), first, last)
    return segments


def _spread(shapes: str, start: float, end: float) -> list[Segment]:
    names = shapes.split()
    edges = np.linspace(start, end, len(names) + 1)
    return [(name, float(a), float(b)) for name, a, b in zip(names, edges, edges[1:], strict=False)]


def track(segments: Sequence[Segment], pcm: NDArray[np.int16], offset: float = 0.0) -> NDArray[np.uint8]:
    """One shape number per hop of `pcm` (16 kHz); `offset` seconds are added to the timings.

    A "?" is silence where the sound is 32 dB below the loudest moment, else it belongs to its neighbours.
    """
    hops = len(pcm) // HOP
    power = np.square(pcm[: hops * HOP].reshape(hops, HOP) / 32768.0).mean(1)
    level = 10 * np.log10(np.convolve(power, np.ones(3) / 3, "same") + 1e-10)
    quiet = level < level.max() - 32
    labels = np.zeros(hops, np.uint8)
    known = [segment for segment in segments if segment[2] > segment[1]]
    for at, (shape, start, end) in enumerate(known):
        first, last = (round((second + offset) / HOP_SECONDS) for second in (start, end))
        first, last = max(first, 0), min(last, hops)
        if shape != "?":
            labels[first:last] = SHAPES.index(shape)
            continue
        before = SHAPES.index(known[at - 1][0]) if at and known[at - 1][0] != "?" else 0
        after = next((SHAPES.index(name) for name, _, _ in known[at + 1 : at + 2] if name != "?"), 0)
        middle = (first + last) // 2
        labels[first:middle], labels[middle:last] = before, after
        labels[first:last][quiet[first:last]] = 0
    return labels
