"""How far the sound is from an engine's durations: compare with forced alignment by pocketsphinx (English).

    python -m training.lips.offset --sounds sounds/kokoro-0.npz

Prints the median of aligned minus own start times of Kokoro's phonemes, in seconds.
"""

import argparse
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pocketsphinx import Decoder

from training.lips import labels
from training.lips.corpus import utterances

_SYMBOLS = "AIOQWYᵊᵻTʤʧpbmfvæɑɒɐaʌɛeijɪəhɔʊuwszʃʒθðltdnɾkɡŋɹɜ"
_PHONES = (
    "EY AY OW OW AW OY AH IH T JH CH P B M F V AE AA AA AH AE AH EH EH IY "
    "Y IH AH HH AO UH UW W S Z SH ZH TH DH L T D N D K G NG R ER"
).split()
_ARPABET = dict(zip(_SYMBOLS, _PHONES, strict=True))


def words_of(phonemes: str) -> list[list[str]]:
    """CMU phones of each word."""
    words = []
    for word in phonemes.split():
        phones = [_ARPABET[symbol] for symbol in word if symbol in _ARPABET]
        pairs = zip(phones, ["", *phones], strict=False)
        words.append([phone for phone, before in pairs if (before, phone) != ("ER", "R")])
    return [word for word in words if word]


def aligned(decoder: Any, pcm: NDArray[np.int16], words: list[list[str]]) -> list[labels.Segment]:
    """Shapes by forced alignment; raises `RuntimeError` where it fails."""
    names = ["q" + "".join(word).lower() for word in words]
    for name, word in zip(names, words, strict=True):
        if decoder.lookup_word(name) is None:
            decoder.add_word(name, " ".join(word), True)
    decoder.set_align_text(" ".join(names))
    for second_pass in (False, True):
        if second_pass:
            decoder.set_alignment()
        decoder.start_utt()
        decoder.process_raw(pcm.tobytes(), full_utt=True)
        decoder.end_utt()
    found = [phone for word in decoder.get_alignment() for phone in word]
    return labels.of_arpabet((p.name, p.start * 0.01, (p.start + p.duration) * 0.01) for p in found)


def main() -> None:
    """Command line; see the module's text."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sounds", type=Path, nargs="+", required=True)
    parser.add_argument("--most", type=int, default=60)
    arguments = parser.parse_args()
    decoder = Decoder(samprate=labels.RATE, loglevel="FATAL", lm=None)
    apart: list[float] = []
    used = 0
    for utterance in utterances(arguments.sounds):
        item = utterance.item
        if item["language"] != "en" or used >= arguments.most:
            continue
        try:
            found = aligned(decoder, utterance.pcm, words_of(item["phonemes"]))
        except RuntimeError:
            continue
        used += 1
        for shape, start, _ in labels.of_ipa(item["symbols"], item["ends"]):
            near = [a - start for other, a, _ in found if other == shape and -0.2 < a - start < 0.1]
            if len(near) == 1 and shape not in {"?", "rest"}:
                apart.append(near[0])
    print(f"{used} utterances, {len(apart)} phonemes: median {np.median(apart):+.3f} s")


if __name__ == "__main__":
    main()
