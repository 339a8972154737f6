"""A VITS voice model in onnxruntime: phoneme ids to sound, a stretch at a time."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from opentalking.inference.child import Request
from opentalking.inference.onnx_split import split_vits
from opentalking.inference.runtime import level, open_session, run

# Measured on the decoder: with 8 frames of context the samples of a stretch differ from those of a
# whole run by less than 2e-4 of full scale, with 12 by less than 1e-6.
_CONTEXT_FRAMES = 10
_DECODED_FRAMES = 200  # at once, about 2 s: memory grows with it
_GAIN = 1.7  # the raw output peaks at 0.3 to 0.6


@dataclass(frozen=True, slots=True)
class Style:
    """How a voice speaks: pace (above 1 is slower) and the amounts of random variation."""

    length_scale: float = 1.0
    noise_scale: float = 0.0
    noise_w_scale: float = 0.0


@dataclass(frozen=True, slots=True)
class Take:
    """One sentence on its way to sound.

    `id_samples` holds the samples of each phoneme id, None where the model does not tell; `pcm(start,
    end)` makes these samples (int16), `start` and `end` being multiples of the hop or the end.
    """

    id_samples: NDArray[np.int64] | None
    total_samples: int
    pcm: Callable[[int, int], NDArray[np.int16]]


class VitsModel:
    """A loaded model; `take` may be called from several threads."""

    def __init__(self, path: Path, hop_samples: int, threads: int) -> None:
        self._hop = hop_samples
        model = path.read_bytes()
        halves = split_vits(model)
        self._decoder: onnxruntime.InferenceSession | None = None
        if halves is None:
            self._front = open_session(model, threads)
        else:
            self._outputs = [halves.latent, halves.durations]
            self._latent = halves.latent
            self._front = open_session(halves.front, threads)
            self._decoder = open_session(halves.decoder, threads)

    def take(self, ids: list[int], style: Style, request: Request | None = None) -> Take:
        """Prepare one sentence; raises `Cancelled` as soon as `request` is cancelled, `EngineError`."""
        inputs: dict[str, NDArray[Any]] = {
            "input": np.array([ids], np.int64),
            "input_lengths": np.array([len(ids)], np.int64),
            "scales": np.array([style.noise_scale, style.length_scale, style.noise_w_scale], np.float32),
        }
        if self._decoder is None:
            wave = level(run(self._front, None, inputs, request)[0].reshape(-1), _GAIN)
            return Take(None, len(wave), lambda start, end: wave[start:end])
        latent, durations = run(self._front, self._outputs, inputs, request)
        id_samples = durations.reshape(-1).astype(np.int64) * self._hop
        decoder, total = self._decoder, latent.shape[2] * self._hop

        def pcm(start: int, end: int) -> NDArray[np.int16]:
            steps = [*range(start, end, _DECODED_FRAMES * self._hop), end]
            waves = [self._decode(decoder, latent, step, request) for step in itertools.pairwise(steps)]
            return np.concatenate(waves) if waves else np.zeros(0, np.int16)

        return Take(id_samples, total, pcm)

    def _decode(
        self,
        decoder: onnxruntime.InferenceSession,
        latent: NDArray[np.float32],
        samples: tuple[int, int],
        request: Request | None,
    ) -> NDArray[np.int16]:
        start, end = samples
        first, last = start // self._hop, -(-end // self._hop)
        begin = max(0, first - _CONTEXT_FRAMES)
        stretch = latent[:, :, begin : last + _CONTEXT_FRAMES]
        wave = run(decoder, None, {self._latent: stretch}, request)[0].reshape(-1)
        return level(wave[start - begin * self._hop : end - begin * self._hop], _GAIN)
