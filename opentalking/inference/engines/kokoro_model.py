"""Kokoro-82M (ONNX) in onnxruntime: symbols to a plan of pitch and loudness, and any stretch of it to sound.

The model is cut before its decoder. The first half plans a whole sentence in a fiftieth of the time, so
all timing is known at once, and where nothing sounds, nothing is decoded. The decoder makes any
stretch of the plan. Its norms over time keep a stretch from being exactly that of the whole (their
loudness differs by about 1 dB), and phases differ; stretches overlap a little and fade over.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from opentalking.inference.child import Request
from opentalking.inference.onnx_split import cut
from opentalking.inference.runtime import level, open_session, run

SAMPLE_RATE = 24_000
FRAME_SAMPLES = 600
STYLES, _STYLE_SIZE = 510, 256
"""A voice has a style for each number of symbols."""
_DURATIONS = "/encoder/Clip_output_0"  # frames of each symbol
_FEATURES = "/encoder/MatMul_1_output_0"
_PITCH = "/encoder/Reshape_output_0"  # two values a frame, as the loudness
_LOUDNESS = "/encoder/Reshape_1_output_0"
_STYLE = "/decoder/Slice_output_0"
_CROSSING = (_FEATURES, _PITCH, _LOUDNESS, _STYLE)
_PAD = 0
_AUDIBLE = -7.0  # of the loudness: about -65 dB of full scale, the model's silence is -9 and less
# Sounds come before their planned time: sibilants of twelve sentences by 45 to 75 ms, with all four voices.
_EARLY_SAMPLES = 1500
_CONTEXT_FRAMES = 6
_LEAD_FRAMES, _TAIL_FRAMES = 10, 6  # of silence
_FADE_SAMPLES = 240
_GAIN = 1.5

SYMBOLS: dict[str, int] = {
    symbol: number
    for start, symbols in (
        (1, ";:,.!?"),
        (9, '—…"()“” \u0303ʣʥʦʨᵝꭧAI'),
        (31, "O"),
        (33, "Q"),
        (35, "ST"),
        (39, "W"),
        (41, "Yᵊabcdef"),
        (50, "hijklmnopqrstuvwxyzɑɐɒæ"),
        (75, "βɔɕç"),
        (80, "ɖðʤə"),
        (85, "ɚɛɜ"),
        (90, "ɟ"),
        (92, "ɡ"),
        (99, "ɥ"),
        (101, "ɨɪʝ"),
        (110, "ɯɰŋɳɲɴø"),
        (118, "ɸθœ"),
        (123, "ɹ"),
        (125, "ɾɻ"),
        (128, "ʁɽʂʃʈʧ"),
        (135, "ʊʋ"),
        (138, "ʌɣɤ"),
        (142, "χʎ"),
        (147, "ʒʔ"),
        (156, "ˈˌː"),
        (162, "ʰ"),
        (164, "ʲ"),
        (169, "↓"),
        (171, "→↗↘"),
        (177, "ᵻ"),
    )
    for number, symbol in enumerate(symbols, start)
}
"""The model's alphabet."""


def read_styles(path: Path) -> NDArray[np.float32]:
    """A voice's styles, shape (510, 256); raises `ValueError` for another size."""
    return np.fromfile(path, "<f4").reshape(STYLES, _STYLE_SIZE)


@dataclass(frozen=True, slots=True)
class Plan:
    """A sentence whose timing is settled: `samples` per symbol, the pads at both ends included."""

    samples: NDArray[np.int64]
    tensors: dict[str, NDArray[np.float32]]

    @property
    def total_samples(self) -> int:
        """Length of the whole sound."""
        return int(self.samples.sum())

    @property
    def frames(self) -> int:
        """Length of the whole sound, in frames."""
        return self.total_samples // FRAME_SAMPLES

    @property
    def audible_frames(self) -> tuple[int, int]:
        """The first frame that sounds, and the one after the last."""
        loud = np.flatnonzero(self.tensors[_LOUDNESS].reshape(-1, 2).max(axis=1) > _AUDIBLE)
        return (int(loud[0]), int(loud[-1]) + 1) if len(loud) else (0, 0)

    def audible_end(self, end: int) -> int:
        """Where the last sound before sample `end` ends; `end` if that is less than a frame away."""
        loud = self.tensors[_LOUDNESS].reshape(-1, 2).max(axis=1) > _AUDIBLE
        before = np.flatnonzero(loud[: end // FRAME_SAMPLES])
        place = (int(before[-1]) + 1) * FRAME_SAMPLES if len(before) else end
        return place if end - place >= FRAME_SAMPLES else end


class KokoroModel:
    """A loaded model; safe for use by several threads."""

    def __init__(self, path: Path, threads: int) -> None:
        front, decoder = cut(path.read_bytes(), _CROSSING, [_DURATIONS])
        self._front = open_session(front, threads)
        self._decoder = open_session(decoder, threads)

    def plan(
        self, symbols: str, styles: NDArray[np.float32], speed: float, request: Request | None = None
    ) -> Plan:
        """Settle the timing of `symbols` (at most 508 of `SYMBOLS`); raises `Cancelled`, `EngineError`."""
        ids = [SYMBOLS[symbol] for symbol in symbols]
        inputs: dict[str, NDArray[Any]] = {
            "tokens": np.array([[_PAD, *ids, _PAD]], np.int64),
            "style": styles[len(ids)][None],
            "speed": np.array([speed], np.float32),
        }
        *tensors, durations = run(self._front, [*_CROSSING, _DURATIONS], inputs, request)
        samples = durations.reshape(-1).astype(np.int64) * FRAME_SAMPLES
        samples[0] -= _EARLY_SAMPLES
        samples[-1] += _EARLY_SAMPLES
        return Plan(samples, dict(zip(_CROSSING, tensors, strict=True)))

    def sound(
        self, plan: Plan, frames: NDArray[np.int64], request: Request | None = None
    ) -> NDArray[np.float32]:
        """The samples of some frames of a plan, in the order given."""
        halves = np.stack([2 * frames, 2 * frames + 1], axis=1).reshape(-1)
        inputs = {
            _FEATURES: plan.tensors[_FEATURES][:, :, frames],
            _PITCH: plan.tensors[_PITCH][:, halves],
            _LOUDNESS: plan.tensors[_LOUDNESS][:, halves],
            _STYLE: plan.tensors[_STYLE],
        }
        wave: NDArray[np.float32] = run(self._decoder, None, inputs, request)[0].reshape(-1)
        return wave


class Performance:
    """Makes a plan's sound, a stretch after the other."""

    def __init__(self, model: KokoroModel, plan: Plan, request: Request | None = None) -> None:
        self._model = model
        self._plan = plan
        self._request = request
        self._overhang: NDArray[np.float32] = np.zeros(0, np.float32)

    def pcm(self, start: int, end: int) -> NDArray[np.int16]:
        """Samples `start` to `end`; `start` is where the last call ended.

        What is planned to be silent before the first and after the last sound is not decoded, but for
        some frames that the model needs to hear as it was trained: every stretch gets them.
        """
        first, last = start // FRAME_SAMPLES, -(-end // FRAME_SAMPLES)
        audible, silent = self._plan.audible_frames
        begin = max(first - _CONTEXT_FRAMES, audible, 0)
        stop = min(last + _CONTEXT_FRAMES, silent)
        wave = np.zeros(end - start + _FADE_SAMPLES, np.float32)
        if begin < min(stop, last) and stop > first:
            lead = np.arange(max(0, audible - _LEAD_FRAMES), audible)
            tail = np.arange(silent, min(self._plan.frames, silent + _TAIL_FRAMES))
            frames = np.concatenate([lead, np.arange(begin, stop), tail])
            made = self._model.sound(self._plan, frames, self._request)
            at = (begin - len(lead)) * FRAME_SAMPLES - start
            made = made[max(0, -at) : len(wave) - at]
            wave[max(0, at) : max(0, at) + len(made)] = made
        faded = min(len(self._overhang), end - start)
        weight = np.linspace(0, 1, faded, endpoint=False, dtype=np.float32)
        wave[:faded] = wave[:faded] * weight + self._overhang[:faded] * (1 - weight)
        self._overhang = wave[end - start :]
        return level(wave[: end - start], _GAIN)
