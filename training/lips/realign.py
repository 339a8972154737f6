"""Move the engines' phoneme boundaries to where a first network hears them, by at most 80 ms.

    python -m training.lips.realign --network first.npz --sounds FILES.npz ... --out DIRECTORY

Kokoro's durations are whole frames of 25 ms and loosely tied to the sound. The order of the phonemes
stays; a Viterbi search picks the boundaries. Writes copies of the files whose `items` have a `track`.
"""

import argparse
import json
import multiprocessing
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from opentalking.providers.render.sound.network import LipNetwork
from training.lips import corpus
from training.lips.evaluate import posteriors
from training.lips.labels import HOP_SECONDS, SHAPES, Segment

_REACH_HOPS = 8
_PRIOR_POWER = 0.6


def best_track(
    scores: NDArray[np.float64], segments: list[Segment], offset: float, reach: int = _REACH_HOPS
) -> NDArray[np.uint8] | None:
    """The likeliest label track that says `segments` in order; None if they do not fit.

    `scores` are logarithms, shape (hops, shapes). A "?" is a silence that may be left out.
    """
    hops = len(scores)
    known = [one for one in segments if one[2] > one[1]]
    shapes = np.array([SHAPES.index("rest" if name == "?" else name) for name, _, _ in known])
    optional = np.array([name == "?" for name, _, _ in known])
    first = np.array([round((start + offset) / HOP_SECONDS) - reach for _, start, _ in known])
    last = np.array([round((end + offset) / HOP_SECONDS) + reach for _, _, end in known])
    first[0], last[-1] = 0, hops
    count = len(known)
    value = np.full(count, -np.inf)
    value[0] = scores[0, shapes[0]]
    came = np.zeros((hops, count), np.int8)
    places = np.arange(count)
    skippable = np.concatenate([[False], optional[:-1]])
    for hop in range(1, hops):
        step = np.concatenate([[-np.inf], value[:-1]])
        leap = np.where(skippable, np.concatenate([[-np.inf, -np.inf], value[:-2]])[:count], -np.inf)
        choices = np.stack([value, step, leap])
        came[hop] = choices.argmax(0)
        allowed = (hop >= first) & (hop < last)
        value = np.where(allowed, choices[came[hop], places] + scores[hop, shapes], -np.inf)
    if not np.isfinite(value[-1]):
        return None
    track = np.zeros(hops, np.uint8)
    at = count - 1
    for hop in range(hops - 1, -1, -1):
        track[hop] = shapes[at]
        at -= int(came[hop, at])
    return track


def _realign(path: Path, network_path: Path, out: Path) -> str:
    network = LipNetwork.load(network_path)
    with np.load(path) as file:
        arrays = dict(file)
    items = json.loads(str(arrays["items"]))
    moved = lost = total = 0
    prior = np.full(len(SHAPES), 1 / len(SHAPES))
    for utterance, item in zip(corpus.utterances([path]), items, strict=True):
        shares = posteriors(network, utterance.pcm)
        prior += np.bincount(utterance.labels, minlength=len(SHAPES)) / 1000
        scores = np.log(shares + 1e-4) - _PRIOR_POWER * np.log(prior / prior.sum())
        segments, offset = corpus.segments_of(item)
        track = best_track(scores, segments, offset)
        lost += track is None
        track = utterance.labels if track is None else track
        moved += int((track != utterance.labels).sum())
        total += len(track)
        item["track"] = track.tolist()
    arrays["items"] = np.array(json.dumps(items, ensure_ascii=False))
    np.savez(out / path.name, **arrays)
    return f"{path.name}: {moved / total:.3f} of the labels changed, {lost} of {len(items)} did not fit"


def main() -> None:
    """Command line; see the module's text."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--network", type=Path, required=True)
    parser.add_argument("--sounds", type=Path, nargs="+", required=True)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    work = partial(_realign, network_path=arguments.network, out=arguments.out)
    with multiprocessing.Pool(arguments.processes) as pool:
        for line in pool.imap(work, arguments.sounds):
            print(line, flush=True)


if __name__ == "__main__":
    main()
