"""Sounds with timings → band energies and label tracks, several differently treated versions of each.

    python -m training.lips.corpus --sounds FILES.npz ... --versions 6 --processes 2 --out corpus.npz

Treatments that need the waveform are made here: another pitch and vocal tract (resampling), rooms.
Gain, equalisers, noise and band limits are left to the training, which does them on the band energies.
"""

import argparse
import json
import multiprocessing
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.signal import fftconvolve, resample_poly

from opentalking.providers.render.sound.features import MelEnergies
from training.lips import labels
from training.lips.labels import HOP, RATE

OFFSET_SECONDS = {"kokoro": -0.057, "piper": 0.0, "flite": 0.0}
"""How far the sound is behind an engine's durations, measured with pocketsphinx (README.md)."""


@dataclass(frozen=True, slots=True)
class Utterance:
    """16 kHz sound, its label track (None: not to be trained on) and what is known of it."""

    pcm: NDArray[np.int16]
    labels: NDArray[np.uint8]
    item: dict[str, Any]


def utterances(paths: list[Path]) -> Iterator[Utterance]:
    """All utterances of files written by `kokoro.py` and `others.py`."""
    for path in paths:
        with np.load(path) as file:
            pcm, ends, items = file["pcm"], file["ends"].tolist(), json.loads(str(file["items"]))
        for item, start, end in zip(items, [0, *ends], ends, strict=False):
            sound = pcm[start:end]
            yield Utterance(sound, _labels(sound, item), item)


def _labels(sound: NDArray[np.int16], item: dict[str, Any]) -> NDArray[np.uint8]:
    if "track" in item:
        return np.array(item["track"], np.uint8)
    segments, offset = segments_of(item)
    return labels.track(segments, sound, offset)


def segments_of(item: dict[str, Any]) -> tuple[list[labels.Segment], float]:
    """The shapes of an utterance by its engine's timings, and what to add to these, seconds."""
    offset = OFFSET_SECONDS[item["engine"].split("-")[0]]
    if item["alphabet"] == "arpabet":
        starts = [0.0, *item["ends"]]
        return labels.of_arpabet(zip(item["symbols"], starts, item["ends"], strict=False)), offset
    return labels.of_ipa(item["symbols"], item["ends"], mandarin=item["language"] == "zh"), offset


def treated(
    utterance: Utterance, rng: np.random.Generator, *, plain: bool
) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """Band energies in dB and labels of one version of an utterance."""
    sound, track = utterance.pcm.astype(np.float32), utterance.labels
    if not plain and rng.random() < 0.75:
        sound, track = _stretched(sound, track, int(rng.integers(84, 119)))
    if not plain and rng.random() < 0.45:
        sound = _in_a_room(sound, rng)
    peak = max(1.0, float(np.abs(sound).max()))
    pcm = np.asarray(sound * (20_000 / peak), np.int16)
    silence = np.zeros(RATE // 5, np.int16)
    energies = MelEnergies(RATE).feed(np.concatenate([pcm, silence]))
    count = min(len(energies), len(track))
    return np.asarray(10 * np.log10(energies[:count] + 1e-10), np.float32), track[:count]


def _stretched(
    sound: NDArray[np.float32], track: NDArray[np.uint8], percent: int
) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """Played at `percent` of the rate: pitch, formants and pace change together."""
    longer = resample_poly(sound, 100, percent).astype(np.float32)
    places = (np.arange(len(longer) // HOP) + 0.5) * percent / 100
    return longer, track[np.minimum(places.astype(int), len(track) - 1)]


def _in_a_room(sound: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """With a tail of exponentially fading noise after the direct sound."""
    fading = rng.uniform(0.08, 0.5)
    time = np.arange(int(fading * RATE)) / RATE
    tail = rng.normal(size=len(time)) * np.exp(-6.9 * time / fading)
    tail[: int(rng.uniform(0.001, 0.008) * RATE)] = 0
    tail *= 10 ** (-rng.uniform(0, 14) / 20) / np.sqrt(np.square(tail).sum())
    tail[0] = 1
    return np.asarray(fftconvolve(sound, tail)[: len(sound)], np.float32)


def _version(
    number: int, paths: list[Path]
) -> tuple[NDArray[np.float16], NDArray[np.uint8], NDArray[np.int64]]:
    rng = np.random.default_rng(number)
    energies, tracks = [], []
    for utterance in utterances(paths):
        if utterance.item.get("held_out"):
            continue
        levels, track = treated(utterance, rng, plain=number == 0)
        energies.append(levels.astype(np.float16))
        tracks.append(track)
    ends = np.cumsum([len(track) for track in tracks])
    return np.concatenate(energies), np.concatenate(tracks), ends


def main() -> None:
    """Command line; see the module's text."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sounds", type=Path, nargs="+", required=True)
    parser.add_argument("--versions", type=int, default=6)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    with multiprocessing.Pool(arguments.processes) as pool:
        made = pool.map(partial(_version, paths=arguments.sounds), range(arguments.versions), 1)
    sizes = np.array([len(track) for _, track, _ in made])
    np.savez(
        arguments.out,
        energies=np.concatenate([energies for energies, _, _ in made]),
        labels=np.concatenate([track for _, track, _ in made]),
        version_ends=np.cumsum(sizes),
        plain_ends=made[0][2],
    )
    print(f"{sizes[0] / 6000:.1f} min, {len(sizes)} versions")


if __name__ == "__main__":
    main()
