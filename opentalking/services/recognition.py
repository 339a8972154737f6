"""Speech recognition for clients: sound goes to the session's worker, its words come back."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import BinaryIO, Self

from opentalking.core.commands import ExpectSound, Interrupt, Recognised, StartRecognition, VoiceChoice
from opentalking.core.errors import InvalidInput, OpenTalkingError
from opentalking.core.ids import new_id
from opentalking.core.media import Samples
from opentalking.core.ports import AudioInlet, CommandBus, StreamClosed
from opentalking.core.providers import RECOGNITION_RATE
from opentalking.services.names import ProviderNames
from opentalking.services.sessions import SessionService
from opentalking.services.sound_file import SoundFile

_MOST_SECONDS = 1200.0
"""Longer than any recognition may take: 10 minutes of sound, and the engine's own limit after its end."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Who recognises (None: as the session says), whether a chat turn answers, and with which voice."""

    stt_provider: str | None = None
    answer: bool = False
    voice: VoiceChoice = field(default_factory=VoiceChoice)


@dataclass(frozen=True, slots=True)
class Heard:
    """What was said ("": nothing was recognised), and the turn that answers it, if there is one."""

    text: str
    turn_id: str | None


class Listening:
    """One recognition while it lasts: an async context manager; leaving it early cancels the recognition.

    Sound is mono int16 at `RECOGNITION_RATE`.
    """

    def __init__(self, bus: CommandBus, inlet: AudioInlet, command: StartRecognition) -> None:
        self._bus = bus
        self._inlet = inlet
        self._command = command
        self._call: asyncio.Task[Heard] | None = None

    async def __aenter__(self) -> Self:
        self._call = asyncio.create_task(self._recognise(), name="recognition")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        call = self.result
        cancelled = not call.done()
        call.cancel()
        await self._inlet.aclose()
        if cancelled:
            interrupt = Interrupt(session_id=self._command.session_id, turn_id=self._command.turn_id)
            await self._bus.send(interrupt)
        await asyncio.wait({call})
        if not call.cancelled():
            call.exception()  # marks it as seen: who left early does not ask

    @property
    def result(self) -> "asyncio.Task[Heard]":
        """What is heard, or why nothing can be; done as soon as that is known."""
        if self._call is None:
            raise RuntimeError("enter the context first")
        return self._call

    async def put(self, samples: Samples) -> None:
        """Hear more; waits while 10 s lie unread. Raises what the recognition failed with."""
        putting = asyncio.create_task(self._inlet.put(samples), name="sound to recognise")
        try:
            # A recognition that was refused never reads, and nobody else ends the wait soon.
            await asyncio.wait({putting, self.result}, return_when=asyncio.FIRST_COMPLETED)
            if not putting.done():
                await self._raise_failure()
            putting.result()
        except StreamClosed:
            await self._raise_failure()
        finally:
            putting.cancel()
            await asyncio.wait({putting})

    async def finish(self) -> Heard:
        """That was all: wait for the words. Raises what the recognition failed with."""
        with suppress(StreamClosed):
            await self._inlet.finish()
        return await asyncio.shield(self.result)

    async def fail(self, error: OpenTalkingError) -> None:
        """The rest of the sound cannot be had: the recognition fails with `error`, and so does this."""
        await self._inlet.fail(error)
        raise error

    async def _raise_failure(self) -> None:
        await asyncio.shield(self.result)
        raise InvalidInput("the recognition ended before the sound did")

    async def _recognise(self) -> Heard:
        command = self._command
        reply = await self._bus.call(command, _MOST_SECONDS)
        if not isinstance(reply, Recognised):
            raise TypeError(f"a worker answered with {type(reply).__name__}")
        return Heard(reply.text, command.turn_id if command.answer and reply.text else None)


class RecognitionService:
    """What clients want recognised.

    Errors, checked in this order: `NotFound`, `Conflict` (the session's state), `InvalidInput`
    (content, an unknown provider), `TooLarge`; then `ProviderError`, `TooMany`, `Unavailable`, and
    `Conflict` with the code `interrupted`.
    """

    def __init__(self, sessions: SessionService, bus: CommandBus, names: ProviderNames) -> None:
        self._sessions = sessions
        self._bus = bus
        self._names = names

    async def listen(self, session_id: str, wanted: Wanted, turn_id: str | None = None) -> Listening:
        """A recognition that begins when the result is entered; `turn_id` is the one that was expected."""
        record = await self._sessions.require_talking(session_id)
        command = StartRecognition(
            session_id=session_id,
            turn_id=turn_id or new_id(),
            stream_id="",
            stt_provider=self._names.stt_name(wanted.stt_provider),
            voice=self._sessions.checked_voice(record, wanted.voice),
            answer=wanted.answer,
        )
        inlet = await self._bus.open_audio(session_id, RECOGNITION_RATE)
        return Listening(self._bus, inlet, command.model_copy(update={"stream_id": inlet.stream_id}))

    async def recognise(
        self, session_id: str, upload: BinaryIO, wanted: Wanted, raw_rate: int | None = None
    ) -> Heard:
        """The words in a file, or in raw s16le samples at `raw_rate`.

        Cancelled, it cancels the recognition, and no turn starts.
        """
        record = await self._sessions.require_talking(session_id)
        self._names.stt_name(wanted.stt_provider)
        self._sessions.checked_voice(record, wanted.voice)
        turn_id = new_id()
        await self._bus.send(ExpectSound(session_id=session_id, turn_id=turn_id, answer=wanted.answer))
        sound = await SoundFile.open(upload, RECOGNITION_RATE, raw_rate=raw_rate)
        try:
            async with await self.listen(session_id, wanted, turn_id) as listening:
                try:
                    while (piece := await sound.next()) is not None:
                        await listening.put(piece)
                except OpenTalkingError as error:
                    await listening.fail(error)
                return await listening.finish()
        finally:
            sound.close()


def require_words(heard: Heard) -> str:
    """The turn that answers; raises `InvalidInput` when nothing was recognised."""
    if heard.turn_id is None:
        raise InvalidInput("no words were recognised; send clear speech", code="nothing_recognised")
    return heard.turn_id
