"""One utterance on its way through a recogniser, or through the one that steps in for it."""

from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass

import structlog

from opentalking.core.errors import Conflict, NotFound, ProviderError, TooLarge, provider_errors
from opentalking.core.media import Samples
from opentalking.core.ports import AudioOutlet, StreamClosed
from opentalking.core.providers import RECOGNITION_RATE, SpeechToText

MAX_SECONDS = 600.0

log = structlog.get_logger(__name__)


class Utterance:
    """The sound of one utterance, at most 10 minutes, while it is still coming in.

    `on_sound` is called for each new piece, `on_end` once, when there are no more. With `keep` it can be
    heard again from its start.
    """

    def __init__(
        self, outlet: AudioOutlet, on_sound: Callable[[], None], on_end: Callable[[], None], *, keep: bool
    ) -> None:
        self._outlet = outlet
        self._on_sound = on_sound
        self._on_end = on_end
        self._keep = keep
        self._heard: list[Samples] = []
        self._room = round(MAX_SECONDS * RECOGNITION_RATE)
        self._is_whole = False

    async def sound(self) -> AsyncGenerator[Samples, None]:
        """Every piece, those kept first. Raises `Conflict` when the sound was dropped half-way."""
        for piece in tuple(self._heard):
            yield piece
        while not self._is_whole and (more := await self._hear_more()) is not None:
            yield more

    async def _hear_more(self) -> Samples | None:
        try:
            piece = await self._outlet.next()
        except StreamClosed as closed:
            raise NotFound("session not found") from closed
        if piece is None:
            if not self._outlet.completed:
                raise Conflict("the sound broke off before its end; send it again", code="dropped")
            self._is_whole = True
            self._on_end()
            return None
        self._on_sound()
        self._room -= len(piece)
        if self._room < 0:
            raise TooLarge(f"the audio is longer than {MAX_SECONDS:g} seconds; send less")
        if self._keep and len(piece):
            self._heard.append(piece)
        return piece


@dataclass(frozen=True, slots=True)
class Recognisers:
    """Who recognises, and who steps in for an utterance when that fails; by name, None is nobody.

    `language` is what is spoken; None: they find out.
    """

    known: Mapping[str, SpeechToText]
    provider: str
    fallback: str | None
    language: str | None = None

    @property
    def stand_in(self) -> str | None:
        """Who hears the utterance again when the first one fails."""
        return self.fallback if self.fallback != self.provider and self.fallback in self.known else None

    async def recognise(self, utterance: Utterance, on_partial: Callable[[str], None]) -> str:
        """The words of `utterance`, "" when there are none; raises `ProviderError`, `TooMany`."""
        try:
            return await self._ask(self.provider, utterance, on_partial)
        except ProviderError as error:
            if self.stand_in is None:
                raise
            log.warning(
                "stt fallback", provider=self.provider, fallback=self.stand_in, error=error.log_message
            )
        return await self._ask(self.stand_in, utterance, on_partial)

    async def _ask(self, name: str, utterance: Utterance, on_partial: Callable[[str], None]) -> str:
        recogniser = self.known.get(name)
        if recogniser is None:
            raise ProviderError(f"the recogniser {name} is not installed", stage="stt", provider=name)
        with provider_errors("stt", name):
            async with (
                aclosing(utterance.sound()) as sound,
                aclosing(recogniser.transcribe(sound, self.language)) as transcripts,
            ):
                async for transcript in transcripts:
                    if transcript.is_final:
                        return transcript.text.strip()
                    on_partial(transcript.text)
        raise ProviderError(f"{name} gave no final transcript", stage="stt", provider=name)
