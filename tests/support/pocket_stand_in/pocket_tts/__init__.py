"""A stand-in for the package `pocket_tts` 4.0.1: its public calls, without its model.

A voice's state is the length of its sample; it says each text as a tone of 200 Hz plus that length in
milliseconds, 50 ms a character. Text with "crash" in it raises; a sample of 13 s ends the process when its
state has been written.
"""

import json
import logging
import os
import threading
import wave
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np


class Tensor:
    """As much of torch's tensor as is needed here."""

    def __init__(self, data: np.ndarray[Any, Any]) -> None:
        self._data = data

    def numpy(self) -> np.ndarray[Any, Any]:
        return self._data


class TTSModel:
    """The model; weights are a file named like the real one, and say whether they can clone."""

    sample_rate = 24_000

    def __init__(self, *, has_voice_cloning: bool) -> None:
        self.has_voice_cloning = has_voice_cloning

    @classmethod
    def load_model(cls, language: str | None = None) -> "TTSModel":
        if language == "dutch":
            raise FileNotFoundError("no such weights")
        return cls(has_voice_cloning=language != "french")

    def get_state_for_audio_prompt(self, audio_conditioning: Path, truncate: bool = False) -> dict[str, Any]:
        if audio_conditioning.suffix == ".safetensors":
            found: dict[str, Any] = json.loads(audio_conditioning.read_text())
            return found
        with wave.open(str(audio_conditioning)) as sound:
            frames = sound.getnframes()
            if truncate:
                frames = min(frames, 30 * sound.getframerate())
            if frames < sound.getframerate():
                raise RuntimeError("the prompt is too short")
            return {"flow": {"milliseconds": frames * 1000 // sound.getframerate()}}

    def generate_audio_stream(
        self, model_state: dict[str, Any], text_to_generate: str, *, stop: threading.Event | None = None
    ) -> Iterator[Tensor]:
        if "crash" in text_to_generate:
            raise RuntimeError("the model broke")
        logging.getLogger("pocket_tts.models").warning("generation may skip words: %r", text_to_generate)
        pitch_hz = 200 + model_state["flow"]["milliseconds"] / 10
        times = np.arange(self.sample_rate * len(text_to_generate) // 20) / self.sample_rate
        for piece in np.array_split(np.sin(2 * np.pi * pitch_hz * times).astype(np.float32) / 4, 3):
            if stop is not None and stop.is_set():
                return
            yield Tensor(piece)


def export_model_state(model_state: dict[str, Any], dest: str | Path) -> None:
    """Keep a state."""
    Path(dest).write_text(json.dumps(model_state))
    if model_state["flow"]["milliseconds"] == 13_000:
        os._exit(1)
