"""The embedded recogniser: Whisper base in a process of its own."""

import asyncio
import importlib.util
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from opentalking.core.conversation import Transcript
from opentalking.core.errors import InvalidInput, ProviderError
from opentalking.core.media import Samples
from opentalking.inference import models
from opentalking.inference.host import InferenceProcess, ProcessConfig
from opentalking.providers.stt.local_decoder import Decoder
from opentalking.providers.stt.local_utterance import IncomingSound, Utterance

PROVIDER = "local"
MODELS = ("base", "tiny.en")
_PARTS = ("model", "config", "tokenizer", "vocabulary")
_ENGLISH_ONLY = ".en"
_PACKAGES = ("ctranslate2", "tokenizers", "onnxruntime")
_REMEDY = "see OPENTALKING_STT_LANGUAGE_HINTS, OPENTALKING_STT_LOCAL_MODEL and the session's language"
_WAITING_PIECES = 64  # who has been let in is not refused half-way


@dataclass(frozen=True, slots=True)
class LocalRecognitionConfig:
    """How the embedded recogniser listens and what it may use.

    `models_directory` is the model store, `model` one of `MODELS`; those that end in ".en" know English only.
    `languages` (Whisper's codes) are told apart where an utterance names none, one is fixed. One
    piece of speech is worked on at a time, with `threads` threads; while `max_waiting` more wait for it, no
    other utterance is let in.
    """

    models_directory: Path
    model: str = "base"
    languages: tuple[str, ...] = ("en", "zh")
    threads: int = 1
    max_waiting: int = 6
    niceness: int = 2
    start_timeout_seconds: float = 60.0
    piece_timeout_seconds: float = 40.0
    environment: Mapping[str, str] = field(default_factory=dict)


class LocalSpeechToText:
    """`SpeechToText` with Whisper.

    Partial transcripts come from hearing the growing sound again and again (`Caption` says what they show).
    A pause, an empty piece, has all of it heard at once; when the end follows and nobody spoke meanwhile,
    that is the answer. Utterances longer than 12 s are cut at their pauses and recognised piece by piece, as
    they come.
    """

    name = PROVIDER

    def __init__(self, config: LocalRecognitionConfig) -> None:
        if config.model not in MODELS:
            raise InvalidInput(f"OPENTALKING_STT_LOCAL_MODEL must be one of {', '.join(MODELS)}")
        self._config = config
        self._files = [f"whisper-{config.model}-{part}" for part in _PARTS]
        self._packages_there = all(importlib.util.find_spec(name) is not None for name in _PACKAGES)
        self._files_checked = False
        self._process = InferenceProcess(
            ProcessConfig(
                module="opentalking.inference.engines.whisper",
                stage="stt",
                provider=PROVIDER,
                settings={
                    "model": str(models.path(config.models_directory, self._files[0]).parent),
                    "threads": config.threads,
                },
                environment={"TOKENIZERS_PARALLELISM": "false", **config.environment},
                niceness=config.niceness,
                max_parallel=1,
                max_waiting=_WAITING_PIECES,
                start_timeout_seconds=config.start_timeout_seconds,
                part_timeout_seconds=config.piece_timeout_seconds,
                queue_timeout_seconds=config.piece_timeout_seconds,
            )
        )
        self._decoder = Decoder(self._process, config.max_waiting)

    @property
    def pid(self) -> int | None:
        """Process id of the engine, None while it does not run."""
        return self._process.pid

    @property
    def decoded(self) -> int:
        """How many stretches of sound the engine has decoded, for captions and for answers."""
        return self._decoder.decoded

    def ready(self) -> str:
        """ "" when it can listen, else what is missing and the remedy; instant."""
        if not self._packages_there:
            return "package_missing: pip install 'opentalking[local]'"
        if reason := self._refusal(self._config.languages):
            return reason
        if not all(models.present(self._config.models_directory, file_id) for file_id in self._files):
            option = "--tiny-en" if self._config.model == "tiny.en" else "--embedded"
            return f"weights_missing: run `opentalking models pull {option}`"
        return ""

    async def transcribe(
        self, audio: AsyncIterator[Samples], language: str | None = None
    ) -> AsyncGenerator[Transcript, None]:
        """Recognise one utterance (mono int16 at 16 kHz): partial transcripts while it lasts, then the final.

        Raises `ProviderError(stage="stt")`, and `TooMany` when too many utterances wait.
        """
        languages = (language,) if language else self._config.languages
        await self._start(languages)
        sound = IncomingSound(audio, self._decoder.give_way)
        utterance = Utterance(sound, self._decoder, languages)
        shown = ""
        async with _reading(sound) as reading:
            while not utterance.is_complete:
                if reading.done():
                    reading.result()
                caption = await utterance.advance()
                if caption and caption != shown:
                    shown = caption
                    yield Transcript(caption, is_final=False)
        yield Transcript(utterance.text, is_final=True)

    async def warm(self) -> None:
        """Load the engine and have it listen to a second of sound."""
        await self._start(self._config.languages)
        await self._process.call("warm", {})

    async def aclose(self) -> None:
        """End the engine; idempotent."""
        await self._process.aclose()

    async def _start(self, languages: tuple[str, ...]) -> None:
        if reason := self.ready() or self._refusal(languages):
            raise self._error(reason)
        if not self._files_checked:
            await asyncio.to_thread(self._check_files)
            self._files_checked = True
        engine = await self._process.start()
        if unknown := [code for code in languages if code not in engine["languages"]]:
            raise self._error(f"Whisper does not know {', '.join(unknown)}; {_REMEDY}")

    def _refusal(self, languages: tuple[str, ...]) -> str:
        """Why it does not listen to these languages, as far as that is known without loading it."""
        if not self._config.model.endswith(_ENGLISH_ONLY) or languages == ("en",):
            return ""
        others = ", ".join(code for code in languages if code != "en")
        return f"language_unknown: Whisper {self._config.model} knows English only, not {others}; {_REMEDY}"

    def _error(self, message: str) -> ProviderError:
        return ProviderError(f"{PROVIDER}: {message}", stage="stt", provider=PROVIDER)

    def _check_files(self) -> None:
        for file_id in self._files:
            try:
                models.check(self._config.models_directory, file_id)
            except models.ModelStoreError as error:
                raise self._error(error.message) from error


@asynccontextmanager
async def _reading(sound: IncomingSound) -> AsyncIterator["asyncio.Task[None]"]:
    """The task that reads the sound, while inside."""
    reading = asyncio.create_task(sound.read(), name="sound for the recogniser")
    try:
        yield reading
    finally:
        reading.cancel()
        await asyncio.wait({reading})
