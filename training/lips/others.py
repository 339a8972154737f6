"""Speak with flite's voices and with Piper's joe, for speakers that Kokoro does not have.

    python -m training.lips.others flite --misaki DIRECTORY --minutes 4 --out DIRECTORY
    python -m training.lips.others piper --misaki DIRECTORY --voice MODEL.onnx --minutes 9 --out DIRECTORY

flite (Debian package, BSD-like licence) prints its segments' ends; Piper's are the model's durations
(needs the extra `piper`). Only sounds and timings are kept. The files are like those of `kokoro.py`.
"""

import argparse
import random
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.signal import resample_poly

from training.lips import texts
from training.lips.kokoro import save
from training.lips.plan import English

_RATE = 16_000
_FLITE_VOICES = ("slt", "rms", "awb", "kal16")
Take = tuple[NDArray[np.int16], dict[str, Any]]


def flite(text: str, voice: str, pace: float) -> Take:
    """Sound and timings of one line; pace above 1 is slower."""
    import soundfile  # noqa: PLC0415 - Piper does without

    with tempfile.NamedTemporaryFile(suffix=".wav") as file:
        command = ["flite", "-voice", voice, "--setf", f"duration_stretch={pace}", "-psdur", "-o", file.name]
        printed = subprocess.run([*command, "-t", text], capture_output=True, text=True, check=True).stdout
        sound, rate = soundfile.read(file.name, dtype="float32")
    phones, ends = [], []
    for token in printed.split():
        name, _, end = token.partition(":")
        phones.append(name)
        ends.append(float(end))
    item = {
        "engine": f"flite-{voice}",
        "alphabet": "arpabet",
        "symbols": phones,
        "ends": ends,
        "language": "en",
    }
    return _normalised(sound, int(rate)), item


class Piper:
    """One Piper voice with its durations."""

    def __init__(self, model: Path) -> None:
        from opentalking.inference.engines import piper  # noqa: PLC0415 - needs the extra

        self._voice = piper.Voice(model, piper.Phonemizer(), 1, 1000.0)

    def speak(self, text: str, rng: random.Random) -> Take:
        from opentalking.inference.engines.vits import Style  # noqa: PLC0415 - needs the extra

        style = Style(rng.uniform(0.8, 1.3), 0.667, 0.8)
        sound: list[NDArray[np.int16]] = []
        symbols, ends, at = [], [], 0
        rate = self._voice.sample_rate
        for part in self._voice.speak(text, style):
            for symbol, _, end in part.header["phonemes"]:
                symbols.append(symbol)
                ends.append((at + end) / rate)
            sound.append(np.frombuffer(part.data, np.int16))
            at += len(sound[-1])
        item = {"engine": "piper-joe", "alphabet": "ipa", "symbols": symbols, "ends": ends, "language": "en"}
        return _normalised(np.concatenate(sound) / 32768, rate), item


def _normalised(sound: NDArray[Any], rate: int) -> NDArray[np.int16]:
    sound = resample_poly(sound, _RATE, rate)
    return np.asarray(sound * (0.6 / max(1e-3, float(np.abs(sound).max()))) * 32767, np.int16)


def collect(speak: Callable[[str], Take], words: list[str], minutes: float, rng: random.Random) -> list[Take]:
    """Takes of random lines until `minutes` are full."""
    takes: list[Take] = []
    samples = 0
    while samples < minutes * 60 * _RATE:
        takes.append(speak(texts.english(rng, words)))
        samples += len(takes[-1][0])
    return takes


def main() -> None:
    """Command line; see the module's text."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("engine", choices=("flite", "piper"))
    parser.add_argument("--misaki", type=Path, required=True)
    parser.add_argument("--voice", type=Path)
    parser.add_argument("--minutes", type=float, default=4, help="of each voice")
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    words = English(arguments.misaki, "us").words
    rng = random.Random(7)
    if arguments.engine == "piper":
        voice = Piper(arguments.voice)
        named = {"piper-joe": collect(lambda text: voice.speak(text, rng), words, arguments.minutes, rng)}
    else:
        named = {
            f"flite-{name}": collect(
                lambda text, name=name: flite(text, name, rng.uniform(0.8, 1.4)),
                words,
                arguments.minutes,
                rng,
            )
            for name in _FLITE_VOICES
        }
    for name, takes in named.items():
        save(arguments.out / f"{name}.npz", [take[0] for take in takes], [take[1] for take in takes])


if __name__ == "__main__":
    main()
