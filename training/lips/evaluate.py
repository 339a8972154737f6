"""Measure a network on sound with known phones: mouth groups, jaw curve, closures, false closures.

    python -m training.lips.evaluate --network lips.npz --human DIRECTORY --synthetic FILES.npz ...

DIRECTORY holds 16 kHz `*.wav` with `*.phone.json`, as `test/data/librivox` of pocketsphinx 5.1.1 does;
of the synthetic files only the utterances of held-out voices are used.
"""

import argparse
import json
import wave
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import soxr
from numpy.typing import NDArray

from opentalking.core.media import FPS, MEDIA_RATE, PhonemeTiming, Speech
from opentalking.providers.render.portrait.acting.articulation import Articulation
from opentalking.providers.render.sound.features import BANDS, SILENCE, LevelNormaliser, MelEnergies
from opentalking.providers.render.sound.network import LipNetwork, LipStream
from opentalking.providers.render.visemes import PARAMETERS, viseme
from training.lips import labels
from training.lips.labels import RATE, SHAPES, Segment

Curve = NDArray[np.float32]

GROUPS: dict[str, tuple[str, ...]] = {
    "open": ("open", "half_open", "neutral"),
    "spread": ("front", "spread", "relaxed_spread"),
    "round": ("round_open", "round", "round_close", "rhotic"),
    "lips closed": ("closed",),
    "sibilant": ("hiss", "hush"),
    "tongue": ("tongue_between", "tongue_up", "tap", "back", "breath"),
    "lip and teeth": ("teeth_on_lip",),
    "silence": ("rest",),
}
"""The eight mouth groups and the shapes that belong to them."""
GROUP_OF = np.array([next(n for n, s in enumerate(GROUPS.values()) if shape in s) for shape in SHAPES])
_SYMBOLS = labels.LETTERS
_SHUT = 0.9
_SMOOTHING_HOPS = 14
_NEAR_SECONDS = 0.04


@dataclass(frozen=True, slots=True)
class Spoken:
    """16 kHz sound with its segments, in shapes and, where a phone is one shape, in whole phones."""

    pcm: NDArray[np.int16]
    segments: list[Segment]
    whole: list[Segment]


def read_human(directory: Path) -> list[Spoken]:
    """Utterances of pocketsphinx's LibriVox set."""
    found = []
    for path in sorted(directory.glob("*.phone.json")):
        aligned = json.loads(path.read_text("utf-8"))
        phones = [(p["t"], p["b"], p["b"] + p["d"]) for word in aligned["w"] for p in word["w"]]
        with wave.open(str(path.with_name(path.name.replace(".phone.json", ".wav")))) as file:
            pcm = np.frombuffer(file.readframes(file.getnframes()), np.int16)
        first = [(labels.of_arpabet([phone])[0][0], phone[1], phone[2]) for phone in phones]
        found.append(Spoken(pcm, labels.of_arpabet(phones), first))
    return found


def posteriors(network: LipNetwork, pcm: NDArray[np.int16], rate: int = RATE) -> Curve:
    """Shape (hops, shapes): what the network says of each whole hop of `pcm`."""
    hops = len(pcm) * 100 // rate
    tail = np.zeros(rate // 2, np.int16)
    levels, _ = LevelNormaliser().normalise(MelEnergies(rate).feed(np.concatenate([pcm, tail])))
    shares = LipStream(network, np.full(BANDS, SILENCE, np.float32)).feed(levels)
    return shares[network.look_ahead : network.look_ahead + hops]


def hop_labels(segments: Sequence[Segment], hops: int) -> NDArray[np.int64]:
    """The shape at the middle of every hop."""
    found = np.zeros(hops, np.int64)
    times = (np.arange(hops) + 0.5) * labels.HOP_SECONDS
    for shape, start, end in segments:
        found[(times >= start) & (times < end)] = SHAPES.index(shape)
    return found


def grouped(shares: Curve) -> Curve:
    """Posteriors of the groups, shape (hops, 8)."""
    return np.stack([shares[:, group == GROUP_OF].sum(1) for group in range(len(GROUPS))], 1)


def table() -> Curve:
    """Face parameters of every shape, shape (shapes, parameters)."""
    return np.stack([viseme("neutral" if shape == "breath" else shape).target for shape in SHAPES])


def smoothed(curve: Curve) -> Curve:
    """A window of 140 ms, about what a jaw does to a square wave."""
    window = np.hanning(_SMOOTHING_HOPS + 2)[1:-1]
    return np.convolve(curve, window / window.sum(), "same").astype(np.float32)


def correlation(shares: Curve, truth: NDArray[np.int64], parameter: str) -> float:
    """Between the parameter's curve from posteriors and the one from labels."""
    column = table()[:, PARAMETERS.index(parameter)]
    return _alike(smoothed(shares @ column), smoothed(column[truth]))


def _alike(curve: Curve, other: Curve) -> float:
    """Correlation; not a number where a curve does not move."""
    moves = min(float(curve.std()), float(other.std())) > 1e-3
    return float(np.corrcoef(curve, other)[0, 1]) if moves else float("nan")


def closures(
    closed: NDArray[np.bool_], segments: Sequence[Segment], step: float
) -> tuple[int, int, int, int]:
    """P/B/M met, P/B/M in all, closed steps with no P/B/M within 80 ms, closed steps.

    `closed` tells for every step of `step` seconds whether the lips are shut. A P/B/M is met if they
    are at a moment of it or up to 40 ms beside it.
    """
    spans = [(start, end) for shape, start, end in segments if shape == "closed"]
    times = (np.arange(len(closed)) + 0.5) * step
    shut = times[closed]
    met = sum(bool(((shut > a - _NEAR_SECONDS) & (shut < b + _NEAR_SECONDS)).any()) for a, b in spans)
    near = np.zeros(len(shut), bool)
    for a, b in spans:
        near |= (shut > a - 2 * _NEAR_SECONDS) & (shut < b + 2 * _NEAR_SECONDS)
    return met, len(spans), int((~near).sum()), len(shut)


def shown(speech: Speech) -> Curve:
    """Face parameters of every frame, as the portrait gets them, shape (frames, parameters)."""
    articulation = Articulation()
    articulation.add(speech, 0.0)
    return np.array([articulation.next_frame(k)[0] for k in range(int(speech.seconds * FPS))])


def as_speech(one: Spoken, *, timed: bool) -> Speech:
    """The utterance at the session's rate, with or without its phonemes."""
    pcm = soxr.resample(one.pcm, RATE, MEDIA_RATE)
    symbols = {shape: "" if shape == "rest" else next(iter(_SYMBOLS[shape])) for shape in SHAPES}
    phonemes = tuple(PhonemeTiming(symbols[shape], start, end) for shape, start, end in one.segments)
    return Speech(np.asarray(pcm, np.int16), MEDIA_RATE, phonemes=phonemes if timed else ())


def frame_report(spoken: Sequence[Spoken]) -> dict[str, object]:
    """Figures of the frames that the portrait shows, with the shipped network, at 25 frames a second."""
    curves: dict[str, list[float]] = {name: [] for name in ("jaw", "wide", "pucker")}
    sizes: list[float] = []
    counts = np.zeros(4, int)
    frames = 0
    for one in spoken:
        heard, known = (shown(as_speech(one, timed=timed)) for timed in (False, True))
        for name, values in curves.items():
            column = PARAMETERS.index(name)
            values.append(_alike(heard[:, column], known[:, column]))
        jaw = PARAMETERS.index("jaw")
        sizes.append(float(heard[:, jaw].std() / known[:, jaw].std()))
        closed = heard[:, PARAMETERS.index("press")] > _SHUT
        counts += closures(closed, one.segments, 1 / FPS)
        frames += len(heard)
    return {
        **{
            f"frames: correlation {name}": round(float(np.nanmean(values)), 3)
            for name, values in curves.items()
        },
        "frames: jaw's movement by that of the labels": round(float(np.mean(sizes)), 2),
        "frames: P/B/M met": f"{counts[0]}/{counts[1]} = {counts[0] / counts[1]:.3f}",
        "frames: false closures": f"{counts[2] / max(1, counts[3]):.3f} of the shut frames, "
        f"{counts[2] / frames:.4f} of all",
    }


def report(network: LipNetwork, spoken: Sequence[Spoken], threshold: float) -> dict[str, object]:
    """All figures of a set."""
    right, whole_right, total = 0, 0, 0
    confusion = np.zeros((len(GROUPS), len(GROUPS)), int)
    curves: dict[str, list[float]] = {name: [] for name in ("jaw", "wide", "pucker", "press")}
    counts = np.zeros(4, int)
    for one in spoken:
        shares = posteriors(network, one.pcm)
        truth, whole = (hop_labels(segments, len(shares)) for segments in (one.segments, one.whole))
        said = grouped(shares).argmax(1)
        right += int((GROUP_OF[truth] == said).sum())
        whole_right += int((GROUP_OF[whole] == said).sum())
        total += len(said)
        np.add.at(confusion, (GROUP_OF[truth], said), 1)
        for name, values in curves.items():
            values.append(correlation(shares, truth, name))
        closed = shares[:, SHAPES.index("closed")] > threshold
        counts += closures(closed, one.segments, labels.HOP_SECONDS)
    return {
        "groups": round(right / total, 3),
        "groups, glides whole": round(whole_right / total, 3),
        **{f"correlation {name}": round(float(np.nanmean(values)), 3) for name, values in curves.items()},
        "P/B/M met": f"{counts[0]}/{counts[1]} = {counts[0] / counts[1]:.3f}",
        "false closures": f"{counts[2] / counts[3]:.3f} of the closed time, {counts[2] / total:.4f} of all",
        "recall by group": dict(
            zip(GROUPS, (confusion.diagonal() / confusion.sum(1)).round(2).tolist(), strict=True)
        ),
        "confusion": confusion.tolist(),
    }


def main() -> None:
    """Command line; see the module's text."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--network", type=Path, required=True)
    parser.add_argument("--human", type=Path)
    parser.add_argument("--synthetic", type=Path, nargs="*", default=[])
    parser.add_argument("--threshold", type=float, default=0.4)
    parser.add_argument("--frames", action="store_true", help="also the portrait's frames, shipped network")
    arguments = parser.parse_args()
    network = LipNetwork.load(arguments.network)
    sets: dict[str, list[Spoken]] = {}
    if arguments.human:
        sets["human"] = read_human(arguments.human)
    if arguments.synthetic:
        sets |= held_out(arguments.synthetic)
    for name, spoken in sets.items():
        print(name)
        for figure, value in report(network, spoken, arguments.threshold).items():
            print(f"  {figure}: {value}")
        if arguments.frames:
            for figure, value in frame_report(spoken).items():
                print(f"  {figure}: {value}")


def held_out(paths: list[Path]) -> dict[str, list[Spoken]]:
    """Utterances of the voices that were kept from the training, by language."""
    from training.lips.corpus import utterances  # noqa: PLC0415 - needs scipy

    sets: dict[str, list[Spoken]] = {}
    for utterance in utterances(paths):
        if utterance.item.get("held_out"):
            track = utterance.labels
            edges = [0, *(np.flatnonzero(np.diff(track)) + 1), len(track)]
            segments = [
                (SHAPES[track[a]], a * labels.HOP_SECONDS, b * labels.HOP_SECONDS) for a, b in pairwise(edges)
            ]
            sets.setdefault(f"held-out {utterance.item['language']}", []).append(
                Spoken(utterance.pcm, segments, segments)
            )
    return sets


if __name__ == "__main__":
    main()
