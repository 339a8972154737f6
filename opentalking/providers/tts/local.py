"""The embedded voice: Piper in a process of its own."""

import asyncio
import importlib.util
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from opentalking.core.conversation import Voice
from opentalking.core.errors import InvalidInput, ProviderError
from opentalking.core.media import Outlook, PhonemeTiming, Speech, WordTiming
from opentalking.inference import models
from opentalking.inference.host import InferenceProcess, Part, ProcessConfig
from opentalking.inference.spoken import has_wide, is_speakable
from opentalking.providers.tts.cache import PhraseCache
from opentalking.providers.tts.clauses import clauses

_ENGINE = "opentalking.inference.engines.piper"
_FOLDER = "piper"
DEFAULT_VOICE = "en_US-joe-medium"
_CATALOGUED = {DEFAULT_VOICE: ("piper-joe", "piper-joe-config")}
_CACHED_MAX_CHARACTERS = 80


@dataclass(frozen=True, slots=True)
class LocalSpeechConfig:
    """How the embedded voice speaks and what it may use.

    `models_directory` is the model store. `voice` speaks when none is named (empty: Joe).
    `length_scale` above 1 is slower; `noise_scale` and `noise_w_scale` are the random variation
    of sound and of durations (0: every take is the same). The first piece of a sentence lasts at
    least `first_piece_seconds`: less is heard earlier, more leaves a busy machine time for the
    next one. `max_parallel` syntheses run at once,
    each with `threads` threads; `max_waiting` more wait up to `queue_timeout_seconds`.
    """

    models_directory: Path
    voice: str = ""
    length_scale: float = 1.0
    noise_scale: float = 0.667
    noise_w_scale: float = 0.8
    first_piece_seconds: float = 0.25
    threads: int = 1
    max_parallel: int = 2
    max_waiting: int = 32
    niceness: int = 0
    start_timeout_seconds: float = 60.0
    synthesis_timeout_seconds: float = 20.0
    queue_timeout_seconds: float = 20.0
    cache_bytes: int = 16 << 20
    environment: Mapping[str, str] = field(default_factory=dict)


class LocalTextToSpeech:
    """`TextToSpeech` with the voices in `<models_directory>/piper`, at their own sample rate."""

    name = "local"

    def __init__(self, config: LocalSpeechConfig) -> None:
        self._config = config
        self._default_voice = config.voice or DEFAULT_VOICE
        self._cache = PhraseCache(config.cache_bytes)
        self._package_there = importlib.util.find_spec("piper") is not None
        self._files_checked = False
        directory = config.models_directory / _FOLDER
        self._process = InferenceProcess(
            ProcessConfig(
                module=_ENGINE,
                stage="tts",
                provider=self.name,
                settings={
                    "directory": str(directory),
                    "voice": self._default_voice,
                    "threads": config.threads,
                    "first_seconds": config.first_piece_seconds,
                },
                environment=config.environment,
                niceness=config.niceness,
                max_parallel=config.max_parallel,
                max_waiting=config.max_waiting,
                start_timeout_seconds=config.start_timeout_seconds,
                part_timeout_seconds=config.synthesis_timeout_seconds,
                queue_timeout_seconds=config.queue_timeout_seconds,
            )
        )

    @property
    def pid(self) -> int | None:
        """Process id of the engine, None while it does not run."""
        return self._process.pid

    def ready(self) -> str:
        """ "" when it can speak, else `package_missing` or `weights_missing` and the remedy."""
        if not self._package_there:
            return "package_missing: pip install 'opentalking[piper]'"
        if not self._present(self._default_voice):
            return "weights_missing: run `opentalking models pull --embedded`"
        return ""

    def voices(self) -> Sequence[Voice]:
        """The voices on disk, the default one first."""
        folder = self._config.models_directory / _FOLDER
        names = sorted(path.name.removesuffix(".onnx") for path in folder.glob("*.onnx"))
        names.sort(key=lambda name: name != self._default_voice)
        return [_describe(name) for name in names if self._present(name)]

    async def speak(
        self, text: str, voice: str | None = None, model: str | None = None
    ) -> AsyncGenerator[Speech, None]:
        """Speak `text`, a few words at a time; `model` is ignored (a voice is its model).

        The pieces' texts joined are `text`; timings and offsets are relative to their piece.
        Raises `InvalidInput` for an unknown voice, `ProviderError(stage="tts")`.
        """
        name = self._known_voice(voice)
        if not self._speakable(text):
            return
        key = (name, text)
        if (cached := self._cache.get(key)) is not None:
            for piece in cached:
                yield piece
            return
        spoken: list[Speech] = []
        async with aclosing(self._pieces(name, text)) as pieces:
            async for piece in pieces:
                spoken.append(piece)
                yield piece
        if len(text) <= _CACHED_MAX_CHARACTERS:
            self._cache.put(key, spoken)

    async def warm(self) -> None:
        """Load the default voice; its engine speaks something unheard."""
        await self._start()

    async def aclose(self) -> None:
        """End the engine; idempotent."""
        await self._process.aclose()

    async def _pieces(self, voice: str, text: str) -> AsyncGenerator[Speech, None]:
        await self._start()
        texts = clauses(text)
        payload = {
            "voice": voice,
            "clauses": texts,
            "length_scale": self._config.length_scale,
            "noise_scale": self._config.noise_scale,
            "noise_w_scale": self._config.noise_w_scale,
        }
        async with aclosing(self._process.request("speak", payload)) as parts:
            async for part in parts:
                number = part.header["clause"]
                yield _speech(part, texts[number], is_last_clause=number == len(texts) - 1)

    async def _start(self) -> None:
        if reason := self.ready():
            raise ProviderError(reason, stage="tts", provider=self.name)
        if not self._files_checked:
            await asyncio.to_thread(self._check_files)
            self._files_checked = True
        await self._process.start()

    def _check_files(self) -> None:
        for file_id in _CATALOGUED.get(self._default_voice, ()):
            try:
                models.check(self._config.models_directory, file_id)
            except models.ModelStoreError as error:
                raise ProviderError(error.message, stage="tts", provider=self.name) from error

    def _present(self, voice: str) -> bool:
        if voice in _CATALOGUED:
            directory = self._config.models_directory
            return all(models.present(directory, file_id) for file_id in _CATALOGUED[voice])
        model = self._config.models_directory / _FOLDER / f"{voice}.onnx"
        return model.is_file() and model.with_name(model.name + ".json").is_file()

    def _known_voice(self, voice: str | None) -> str:
        name = voice or self._default_voice
        if name != self._default_voice and name not in {known.voice_id for known in self.voices()}:
            raise InvalidInput(f"unknown voice {name!r}")
        return name

    def _speakable(self, text: str) -> bool:
        if is_speakable(text):
            return True
        if has_wide(text):
            raise ProviderError(
                "no local voice speaks this language: the installed ones speak English",
                stage="tts",
                provider=self.name,
            )
        return False


def _speech(part: Part, clause: str, *, is_last_clause: bool) -> Speech:
    rate = part.header["sample_rate"]
    begin, end = part.header["text"]
    text = clause[begin : len(clause) if end < 0 else end]
    return Speech(
        pcm=np.frombuffer(part.data, np.int16),
        sample_rate=rate,
        text=text,
        phonemes=tuple(
            PhonemeTiming(symbol, start / rate, end / rate) for symbol, start, end in part.header["phonemes"]
        ),
        words=tuple(
            WordTiming(clause[first:last], first - begin, last - begin, start / rate, end / rate)
            for first, last, start, end in part.header["words"]
        ),
        ends_sentence=is_last_clause and part.header["last"],
        outlook=_outlook(part, clause, begin),
    )


def _outlook(part: Part, clause: str, begin: int) -> Outlook | None:
    rate = part.header["sample_rate"]
    words = tuple(
        WordTiming(clause[first:last], first - begin, last - begin, max(0, start) / rate, max(0, end) / rate)
        for first, last, start, end in part.header.get("outlook", ())
    )
    return Outlook(words[-1].end_seconds, words) if words else None


def _describe(name: str) -> Voice:
    """A voice by its file's name, which is `<language>_<REGION>-<name>-<quality>`."""
    language, _, rest = name.partition("-")
    person = rest.partition("-")[0] or name
    tag = language.replace("_", "-")
    return Voice(
        voice_id=name,
        display_label=f"{person.replace('_', ' ').title()} ({tag})",
        provider="local",
        language=tag,
    )
