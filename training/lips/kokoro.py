"""Speak a plan with Kokoro-82M and keep the sound with the engine's own durations.

    python -m training.lips.kokoro --model kokoro.onnx --voices DIRECTORY --vocab vocab.json \
        --plan plan.jsonl --out DIRECTORY --processes 16 --minutes 8

The model is kokoro-v1.0.int8.onnx with the durations as a second output (README.md). Writes one `.npz`
per process: `pcm` (int16, 16 kHz, all utterances one after another), `ends` (samples) and `items` (JSON).
"""

import argparse
import json
import multiprocessing
import time
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from scipy.signal import resample_poly

_SOURCE_RATE, _RATE, _FRAME_SAMPLES = 24_000, 16_000, 600
_MOST_TOKENS = 400


class Kokoro:
    """The model on one core."""

    def __init__(self, model: Path, voices: Path, vocab: Path) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
        self._ids: dict[str, int] = json.loads(vocab.read_text("utf-8"))["vocab"]
        self._voices = voices

    def speak(self, job: dict[str, Any]) -> tuple[NDArray[np.int16], list[str], list[float]]:
        """Sound at 16 kHz, its symbols ("" is the silence around them) and where each ends, seconds."""
        symbols = [symbol for symbol in job["phonemes"] if symbol in self._ids][:_MOST_TOKENS]
        style = sum(share * self._style(name, len(symbols)) for name, share in job["voices"].items())
        inputs = {
            "tokens": np.array([[0, *(self._ids[symbol] for symbol in symbols), 0]], np.int64),
            "style": np.asarray(style, np.float32).reshape(1, 256),
            "speed": np.array([job["speed"]], np.float32),
        }
        wave, durations = self._session.run(None, inputs)
        ends = np.cumsum(durations.reshape(-1)) * _FRAME_SAMPLES / _SOURCE_RATE
        sound = resample_poly(wave.reshape(-1), 2, 3)
        sound *= 0.6 / max(1e-3, float(np.abs(sound).max()))
        return (sound * 32767).astype(np.int16), ["", *symbols, ""], [round(float(x), 4) for x in ends]

    def _style(self, name: str, tokens: int) -> NDArray[np.float32]:
        return np.fromfile(self._voices / f"{name}.bin", "<f4").reshape(-1, 256)[tokens]


def save(path: Path, sounds: list[NDArray[np.int16]], items: list[dict[str, Any]]) -> None:
    """Write utterances with their descriptions (fields `symbols`, `ends`, `alphabet`, `language`, …)."""
    ends = np.cumsum([len(sound) for sound in sounds])
    text = json.dumps(items, ensure_ascii=False)
    np.savez(path, pcm=np.concatenate(sounds), ends=ends, items=np.array(text))


def _work(share: list[dict[str, Any]], arguments: argparse.Namespace, number: int) -> None:
    kokoro = Kokoro(arguments.model, arguments.voices, arguments.vocab)
    until = time.monotonic() + 60 * arguments.minutes
    sounds, items = [], []
    for job in share:
        if time.monotonic() > until:
            break
        sound, symbols, ends = kokoro.speak(job)
        sounds.append(sound)
        items.append({**job, "engine": "kokoro", "alphabet": "ipa", "symbols": symbols, "ends": ends})
    save(arguments.out / f"kokoro-{number:02}.npz", sounds, items)
    print(number, len(items), round(sum(map(len, sounds)) / _RATE), "s", flush=True)


def main() -> None:
    """Command line; see the module's text."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    for name in ("model", "voices", "vocab", "plan", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--minutes", type=float, default=60)
    arguments = parser.parse_args()
    jobs = [json.loads(line) for line in arguments.plan.read_text("utf-8").splitlines()]
    arguments.out.mkdir(parents=True, exist_ok=True)
    count = arguments.processes
    workers = [
        multiprocessing.Process(target=_work, args=(jobs[number::count], arguments, number))
        for number in range(count)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()


if __name__ == "__main__":
    main()
