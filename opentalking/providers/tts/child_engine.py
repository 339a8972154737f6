"""A voice engine in a process of its own, one of those behind the provider `local`."""

import asyncio
import importlib.util
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from opentalking.core.conversation import Voice
from opentalking.core.errors import ProviderError
from opentalking.core.media import Outlook, PhonemeTiming, Speech, WordTiming
from opentalking.inference import models
from opentalking.inference.host import InferenceProcess, Part, ProcessConfig
from opentalking.providers.tts.clauses import clauses
from opentalking.text.language import Language

PROVIDER = "local"


@dataclass(frozen=True, slots=True)
class ChildLimits:
    """What an engine's process may use and how long others wait for it.

    `max_parallel` syntheses run at once, each with `threads` threads; `max_waiting` more wait up to
    `queue_timeout_seconds`.
    """

    threads: int = 1
    max_parallel: int = 2
    max_waiting: int = 32
    niceness: int = 0
    start_timeout_seconds: float = 60.0
    synthesis_timeout_seconds: float = 20.0
    queue_timeout_seconds: float = 20.0
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Needs:
    """What must be installed: `packages` by import name, `files` of the model store, and the remedies."""

    packages: tuple[str, ...]
    files: tuple[str, ...]
    packages_remedy: str
    files_remedy: str = "run `opentalking models pull --embedded`"


class Engine(Protocol):
    """A voice engine as the provider `local` sees it."""

    name: str

    @property
    def pid(self) -> int | None:
        """Process id, None while it does not run."""
        ...

    def ready(self) -> str:
        """ "" when it can speak, else `package_missing` or `weights_missing` and the remedy; instant."""
        ...

    def voices(self) -> Sequence[Voice]:
        """Its usable voices; instant."""
        ...

    def can_read(self, voice: Voice, text: str) -> bool:
        """Whether the voice reads all of `text`, as far as its script tells."""
        ...

    def speak(self, text: str, voice: str, language: Language) -> AsyncGenerator[Speech, None]:
        """Speak `text` in pieces whose texts joined are `text`; raises `ProviderError(stage="tts")`."""
        ...

    async def warm(self, voices: Sequence[str]) -> None:
        """Load, and speak something unheard with these voices."""
        ...

    async def aclose(self) -> None:
        """End the process; idempotent."""
        ...


class ChildEngine:
    """The part that all engines share: is it there, is it started, and its parts as `Speech`."""

    def __init__(
        self,
        module: str,
        needs: Needs,
        models_directory: Path,
        settings: Mapping[str, object],
        limits: ChildLimits,
    ) -> None:
        self._needs = needs
        self._models_directory = models_directory
        self._packages_there = all(importlib.util.find_spec(name) is not None for name in needs.packages)
        self._files_checked = False
        self._process = InferenceProcess(
            ProcessConfig(
                module=module,
                stage="tts",
                provider=PROVIDER,
                settings={**settings, "threads": limits.threads},
                environment=limits.environment,
                niceness=limits.niceness,
                max_parallel=limits.max_parallel,
                max_waiting=limits.max_waiting,
                start_timeout_seconds=limits.start_timeout_seconds,
                part_timeout_seconds=limits.synthesis_timeout_seconds,
                queue_timeout_seconds=limits.queue_timeout_seconds,
            )
        )

    @property
    def pid(self) -> int | None:
        """Process id of the engine, None while it does not run."""
        return self._process.pid

    def ready(self) -> str:
        """ "" when it can speak, else `package_missing` or `weights_missing` and the remedy; instant."""
        if not self._packages_there:
            return f"package_missing: {self._needs.packages_remedy}"
        if not all(models.present(self._models_directory, file_id) for file_id in self._needs.files):
            return f"weights_missing: {self._needs.files_remedy}"
        return ""

    async def aclose(self) -> None:
        """End the engine; idempotent."""
        await self._process.aclose()

    async def request(self, text: str, payload: Mapping[str, Any]) -> AsyncGenerator[Speech, None]:
        """Speak `text` with an engine that understands `payload` and its `clauses`."""
        await self.start()
        texts = clauses(text)
        async with aclosing(self._process.request("speak", {**payload, "clauses": texts})) as parts:
            async for part in parts:
                number = part.header["clause"]
                yield _speech(part, texts[number], is_last_clause=number == len(texts) - 1)

    async def start(self) -> None:
        """Check the files and load the engine, once; raises `ProviderError`."""
        if reason := self.ready():
            raise ProviderError(reason, stage="tts", provider=PROVIDER)
        if not self._files_checked:
            await asyncio.to_thread(self._check_files)
            self._files_checked = True
        await self._process.start()

    def _check_files(self) -> None:
        for file_id in self._needs.files:
            try:
                models.check(self._models_directory, file_id)
            except models.ModelStoreError as error:
                raise ProviderError(error.message, stage="tts", provider=PROVIDER) from error


def _speech(part: Part, clause: str, *, is_last_clause: bool) -> Speech:
    rate = part.header["sample_rate"]
    begin, end = (len(clause) if at < 0 else at for at in part.header["text"])
    text = clause[begin:end]
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
