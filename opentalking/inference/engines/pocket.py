"""Kyutai's Pocket TTS as a child process (package `pocket_tts`, 4.0): it speaks in voices made from samples.

Operation `clone`: data is a WAV file (mono, PCM16), payload `path` is where the voice's state goes
(safetensors); one empty part. Operation `speak`: payload `path` and `clauses` (texts); a part per clause,
with header `clause`, its index, and the other headers of `parts`, without phonemes or words; data are
int16 mono.

Setting: `language`, a model of the package. Its weights come out of Hugging Face's cache, never from the
network.
"""

import logging
import threading
from collections import OrderedDict
from collections.abc import Generator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from opentalking.inference.child import Cancelled, Engine, EngineError, Request, serve
from opentalking.inference.framing import Json, Part

_STATES_KEPT = 4


class Pocket:
    """The model, and the states of the voices that spoke last; one call at a time."""

    def __init__(self, language: str) -> None:
        try:
            import pocket_tts  # noqa: PLC0415 - only the child may load torch
        except ImportError as error:
            raise EngineError(f"pocket-tts cannot be loaded: {error}") from error
        logging.getLogger("pocket_tts").setLevel(logging.ERROR)  # its warnings repeat the text
        self._package: Any = pocket_tts
        try:
            self._model: Any = pocket_tts.TTSModel.load_model(language=language)
        except Exception as error:  # its own kinds and those of three libraries below it
            raise EngineError(f"Pocket TTS cannot be loaded: {error}") from error
        if not getattr(self._model, "has_voice_cloning", True):
            raise EngineError("weights_missing: these weights of Pocket TTS cannot make voices")
        self._states: OrderedDict[str, Any] = OrderedDict()

    def clone(self, request: Request) -> Generator[Part, None, None]:
        """Handler of `clone`; on failure no file is left."""
        target = Path(request.payload["path"])
        try:
            with TemporaryDirectory() as folder:
                sample = Path(folder) / "sample.wav"
                sample.write_bytes(request.data)
                # Beyond 30 s a sample adds nothing but time and memory.
                state = self._model.get_state_for_audio_prompt(sample, truncate=True)
            self._package.export_model_state(state, target)
        except Exception as error:
            target.unlink(missing_ok=True)
            raise EngineError(f"Pocket TTS cannot make a voice of this sample: {error}") from error
        yield Part({})

    def speak(self, request: Request) -> Generator[Part, None, None]:
        """Handler of `speak`."""
        state = self._state(request.payload["path"])
        stop = threading.Event()
        request.on_cancel(stop.set)
        for number, clause in enumerate(request.payload["clauses"]):
            pcm = self._say(state, clause, stop)
            if request.cancelled:
                raise Cancelled
            header = {"clause": number, "text": [0, -1], "last": True, "phonemes": [], "words": []}
            yield Part({**header, "sample_rate": int(self._model.sample_rate)}, pcm.tobytes())

    def _say(self, state: Any, clause: str, stop: threading.Event) -> np.ndarray[Any, np.dtype[np.int16]]:
        pieces = [np.zeros(0, np.float32)]
        if any(character.isalnum() for character in clause):
            sound = self._model.generate_audio_stream(state, clause.strip(), stop=stop)
            pieces += [np.asarray(piece.numpy(), np.float32).reshape(-1) for piece in sound]
        return (np.clip(np.concatenate(pieces), -1, 1) * 32767).astype(np.int16)

    def _state(self, path: str) -> Any:
        if path not in self._states:
            try:
                self._states[path] = self._model.get_state_for_audio_prompt(Path(path))
            except Exception as error:
                raise EngineError(f"this voice cannot be read: {error}") from error
            while len(self._states) > _STATES_KEPT:
                self._states.popitem(last=False)
        self._states.move_to_end(path)
        return self._states[path]


def load(settings: Json) -> Engine:
    """Load the model of `settings["language"]`."""
    pocket = Pocket(settings["language"])
    return Engine(handlers={"clone": pocket.clone, "speak": pocket.speak})


if __name__ == "__main__":
    serve(load)
