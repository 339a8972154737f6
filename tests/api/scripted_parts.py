"""Stand-ins for a voice engine and for a model's probe."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field

import numpy as np

from opentalking.core.conversation import Voice
from opentalking.core.errors import InvalidInput, ProviderError
from opentalking.core.media import Speech
from opentalking.services.models import Backend, Reason


@dataclass
class ToneSpeaker:
    """A voice engine that hums 50 ms a character, in a rate of its own."""

    name: str
    trouble: str = ""
    fails: bool = False
    stalls: bool = False
    said: list[tuple[str, str | None, str | None]] = field(default_factory=list)

    def ready(self) -> str:
        return self.trouble

    def voices(self) -> Sequence[Voice]:
        return [
            Voice("joe", "Joe", self.name, language="en-US", gender="male", engine="hum", licence="CC0-1.0"),
            Voice("mei", "Mei 美", self.name, target_model="big", language="zh"),
        ]

    async def speak(
        self, text: str, voice: str | None = None, model: str | None = None
    ) -> AsyncGenerator[Speech, None]:
        if voice == "nobody":
            raise InvalidInput("voice is not known")
        self.said.append((text, voice, model))
        if self.stalls:
            await asyncio.Event().wait()
        if self.fails:
            raise ProviderError("the voice broke", stage="tts", provider=self.name)
        time_seconds = np.arange(22_050 * len(text) // 20) / 22_050
        yield Speech((8000 * np.sin(2 * np.pi * 220 * time_seconds)).astype(np.int16), 22_050, text)

    async def warm(self, voices: Sequence[str] = ()) -> None:
        pass

    async def aclose(self) -> None:
        pass


@dataclass
class SwitchedProbe:
    """A model that a test connects, disconnects, breaks or stalls."""

    id: str
    backend: Backend = "omnirt"
    result: tuple[bool, Reason] | Exception = (True, "omnirt")
    stalls: bool = False
    rounds: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(0))

    async def probe(self) -> tuple[bool, Reason]:
        self.rounds.release()
        if self.stalls:
            await asyncio.Event().wait()
        if isinstance(self.result, Exception):
            raise self.result
        return self.result
