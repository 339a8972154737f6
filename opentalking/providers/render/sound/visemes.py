"""Mouth shapes from sound alone, as it arrives: for voices without phoneme timings and for any recording."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import opentalking
from opentalking.core.media import MEDIA_RATE, Samples
from opentalking.providers.render.sound.features import (
    BANDS,
    HOP_SECONDS,
    LATE_SECONDS,
    SILENCE,
    LevelNormaliser,
    MelEnergies,
)
from opentalking.providers.render.sound.network import LipNetwork, LipStream
from opentalking.providers.render.visemes import PARAMETERS, VISEMES, FaceParameters, viseme

WEIGHTS = Path(opentalking.__file__).parent / "assets" / "models" / "lips.npz"
_HOP = round(MEDIA_RATE * HOP_SECONDS)
_CERTAIN = {"closed": 0.4, "teeth_on_lip": 0.5}
"""Posteriors from which lips that must meet do."""
_BY_LOUDNESS = np.array([name in {"jaw", "raise", "drop"} for name in PARAMETERS])
_IN_SILENCE = np.array([name in {"press", "tuck"} for name in PARAMETERS])
"""The closure of a p is silent, too; all else rests in silence."""
_AUDIBLE = 0.12


@dataclass(frozen=True, slots=True)
class SoundShapes:
    """What the mouth does in consecutive hops of 10 ms.

    `targets` (hops, 9) and `loudness` (hops,) are float32; `closures` lists (hop, target) of lips that
    must have met, `hop` counted from the first one of these.
    """

    targets: NDArray[np.float32]
    loudness: NDArray[np.float32]
    closures: list[tuple[int, FaceParameters]]


@lru_cache(maxsize=1)
def lip_network() -> LipNetwork:
    """The shipped network; raises `ValueError` if its file is missing or broken."""
    try:
        return LipNetwork.load(WEIGHTS)
    except (OSError, ValueError, KeyError) as error:
        raise ValueError(f"the weights of the lip network ({WEIGHTS.name}) cannot be read") from error


@lru_cache(maxsize=1)
def shape_table() -> NDArray[np.float32]:
    """Face parameters of every shape that the network tells apart, shape (shapes, 9).

    An h ("breath") has no shape of its own and gets the neutral one.
    """
    names = [name if name in VISEMES else "neutral" for name in lip_network().shapes]
    return np.stack([viseme(name).target for name in names])


def look_ahead_seconds() -> float:
    """How much sound beyond the start of a hop its shape needs."""
    return lip_network().look_ahead * HOP_SECONDS + LATE_SECONDS


class SoundVisemes:
    """One stretch of sound at `MEDIA_RATE`; how it is cut into pieces does not matter."""

    def __init__(self) -> None:
        network = lip_network()
        self._energies = MelEnergies(MEDIA_RATE)
        self._levels = LevelNormaliser()
        self._network = LipStream(network, np.full(BANDS, SILENCE, np.float32))
        self._shapes = network.shapes
        self._early = network.look_ahead
        """Outputs that still come before the first hop."""
        self._loudness = np.zeros(0, np.float32)
        self._samples = self._known = 0

    def feed(self, pcm: Samples) -> SoundShapes:
        """The hops that `pcm` decides: `look_ahead_seconds` late."""
        self._samples += len(pcm)
        return self._decide(pcm)

    def finish(self) -> SoundShapes:
        """The last hops, as if silence followed."""
        silence = np.zeros(round((look_ahead_seconds() + HOP_SECONDS) * MEDIA_RATE), np.int16)
        return self._decide(silence)

    def _decide(self, pcm: Samples) -> SoundShapes:
        levels, loudness = self._levels.normalise(self._energies.feed(pcm))
        shares = self._network.feed(levels)
        early = min(self._early, len(shares))
        self._early -= early
        left = -(-self._samples // _HOP) - self._known
        shares = shares[early:][:left]
        self._known += len(shares)
        heard = np.concatenate([self._loudness, loudness])
        self._loudness = heard[len(shares) :]
        return self._shaped(shares, heard[: len(shares)])

    def _shaped(self, shares: NDArray[np.float32], loudness: NDArray[np.float32]) -> SoundShapes:
        targets = shares @ shape_table()
        targets[:, _BY_LOUDNESS] *= (0.62 + 0.42 * loudness)[:, None]
        targets[:, ~_IN_SILENCE] *= np.clip(loudness / _AUDIBLE, 0, 1)[:, None]
        closures = [
            (int(hop), viseme(name).target)
            for name, least in _CERTAIN.items()
            for hop in np.flatnonzero(shares[:, self._shapes.index(name)] > least)
        ]
        return SoundShapes(targets, loudness, sorted(closures, key=lambda one: one[0]))
