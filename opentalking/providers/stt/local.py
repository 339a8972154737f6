"""The embedded recogniser: Whisper base in a process of its own."""

import asyncio
import importlib.util
import re
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from opentalking.audio.pauses import PauseCutter
from opentalking.core.conversation import Transcript
from opentalking.core.errors import ProviderError, TooMany
from opentalking.core.media import Samples
from opentalking.core.providers import RECOGNITION_RATE
from opentalking.inference import models
from opentalking.inference.host import InferenceProcess, ProcessConfig

PROVIDER = "local"
FILES = ("whisper-base-model", "whisper-base-config", "whisper-base-tokenizer", "whisper-base-vocabulary")
_PACKAGES = ("ctranslate2", "tokenizers")
_PIECE_SECONDS = 12.0  # measured: fewer errors than with 28, and a fifth less work
_WAITING_PIECES = 64  # who has been let in is not refused half-way
_FULL_WIDTH = str.maketrans(",?!:;", "，？！：；")
_AFTER_HAN = re.compile(r"(?<=[\u4e00-\u9fff])[,?!:;]\s*")


@dataclass(frozen=True, slots=True)
class LocalRecognitionConfig:
    """How the embedded recogniser listens and what it may use.

    `models_directory` is the model store. `languages` (Whisper's codes) are told apart, one is fixed. One
    piece of speech is worked on at a time, with `threads` threads; while `max_waiting` more wait for it, no
    other utterance is let in.
    """

    models_directory: Path
    languages: tuple[str, ...] = ("en", "zh")
    threads: int = 1
    max_waiting: int = 6
    niceness: int = 5
    start_timeout_seconds: float = 60.0
    piece_timeout_seconds: float = 40.0
    environment: Mapping[str, str] = field(default_factory=dict)


class LocalSpeechToText:
    """`SpeechToText` with Whisper base; it gives no partial transcripts.

    Utterances longer than 12 s are cut at their pauses and recognised piece by piece, as they come.
    """

    name = PROVIDER

    def __init__(self, config: LocalRecognitionConfig) -> None:
        self._config = config
        self._packages_there = all(importlib.util.find_spec(name) is not None for name in _PACKAGES)
        self._files_checked = False
        self._at_work = 0
        self._process = InferenceProcess(
            ProcessConfig(
                module="opentalking.inference.engines.whisper",
                stage="stt",
                provider=PROVIDER,
                settings={
                    "model": str(models.path(config.models_directory, FILES[0]).parent),
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

    @property
    def pid(self) -> int | None:
        """Process id of the engine, None while it does not run."""
        return self._process.pid

    def ready(self) -> str:
        """ "" when it can listen, else `package_missing` or `weights_missing` and the remedy; instant."""
        if not self._packages_there:
            return "package_missing: pip install 'opentalking[local]'"
        if not all(models.present(self._config.models_directory, file_id) for file_id in FILES):
            return "weights_missing: run `opentalking models pull --embedded`"
        return ""

    async def transcribe(
        self, audio: AsyncIterator[Samples], language: str | None = None
    ) -> AsyncGenerator[Transcript, None]:
        """Recognise one utterance (mono int16 at 16 kHz); one final transcript.

        Raises `ProviderError(stage="stt")`, and `TooMany` when too many utterances wait.
        """
        await self._start()
        languages = self._config.languages
        texts: list[str] = []
        is_let_in = False
        async with aclosing(_pieces(audio)) as pieces:
            async for piece in pieces:
                if not is_let_in and self._at_work > self._config.max_waiting:
                    raise TooMany("too many utterances wait to be recognised; try again in a moment")
                is_let_in = True
                languages = await self._recognise(piece, languages, texts)
        yield Transcript(_joined(texts, languages[0]), is_final=True)

    async def warm(self) -> None:
        """Load the engine and have it listen to a second of sound that is not speech."""
        await self._start()
        time_seconds = np.arange(RECOGNITION_RATE) / RECOGNITION_RATE
        hum = (1000 * np.sin(2 * np.pi * 50 * time_seconds)).astype(np.int16)
        await self._recognise(hum, self._config.languages, [])

    async def aclose(self) -> None:
        """End the engine; idempotent."""
        await self._process.aclose()

    async def _recognise(
        self, piece: Samples, languages: tuple[str, ...], texts: list[str]
    ) -> tuple[str, ...]:
        """Append the piece's words to `texts`; returns the languages for what follows: that of the words."""
        self._at_work += 1
        try:
            part = await self._process.call("transcribe", {"languages": languages}, piece.tobytes())
        finally:
            self._at_work -= 1
        if not part.header["text"]:
            return languages
        texts.append(part.header["text"])
        return (part.header["language"],)

    async def _start(self) -> None:
        if reason := self.ready():
            raise ProviderError(f"{PROVIDER}: {reason}", stage="stt", provider=PROVIDER)
        if not self._files_checked:
            await asyncio.to_thread(self._check_files)
            self._files_checked = True
        await self._process.start()

    def _check_files(self) -> None:
        for file_id in FILES:
            try:
                models.check(self._config.models_directory, file_id)
            except models.ModelStoreError as error:
                raise ProviderError(error.message, stage="stt", provider=PROVIDER) from error


async def _pieces(audio: AsyncIterator[Samples]) -> AsyncGenerator[Samples, None]:
    """An utterance in pieces that the engine takes."""
    cutter = PauseCutter(RECOGNITION_RATE, _PIECE_SECONDS)
    async for pcm in audio:
        for piece in cutter.feed(pcm):
            yield piece
    if len(rest := cutter.flush()):
        yield rest


def _joined(texts: list[str], language: str) -> str:
    if language != "zh":
        return " ".join(texts)
    return _AFTER_HAN.sub(lambda sign: sign[0].strip().translate(_FULL_WIDTH), "".join(texts))
