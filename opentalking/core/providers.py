"""Protocols that plug-ins implement: one per stage of a turn.

Async iterators returned here are async generators: the caller closes them with
`contextlib.aclosing`, which cancels the work behind them.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

from opentalking.core.avatars import AvatarBundle
from opentalking.core.conversation import ChatModelInfo, Delta, Message, Transcript, Voice
from opentalking.core.media import I420, Samples, Segment, Speech


@runtime_checkable
class ChatModel(Protocol):
    """A language model that streams an answer."""

    def info(self) -> ChatModelInfo:
        """Who answers, as far as is known now; instant."""
        ...

    def reply(self, messages: Sequence[Message]) -> AsyncGenerator[Delta, None]:
        """Stream the answer to `messages` (oldest first); raises `ProviderError(stage="llm")`."""
        ...

    async def warm(self, system_prompt: str) -> None:
        """Prepare for a first answer (load weights, open connections, cache the prompt)."""
        ...

    async def aclose(self) -> None:
        """Release connections and processes; idempotent."""
        ...


@runtime_checkable
class ReadsAhead(Protocol):
    """A `ChatModel` that reads a question while it is still spoken, so that its answer begins sooner."""

    async def read_ahead(self, messages: Sequence[Message]) -> None:
        """Read `messages` (oldest first), the last of which may go on; nothing while that is of no use.

        Raises `ProviderError(stage="llm")`. An answer does not depend on it.
        """
        ...


@runtime_checkable
class TextToSpeech(Protocol):
    """A voice engine. Shared by all sessions of a worker; safe for concurrent calls."""

    name: str

    def ready(self) -> str:
        """ "" when it can speak, else the reason and the remedy; instant."""
        ...

    def voices(self) -> Sequence[Voice]:
        """System voices; instant."""
        ...

    def speak(
        self, text: str, voice: str | None = None, model: str | None = None
    ) -> AsyncGenerator[Speech, None]:
        """Speak `text` (plain, already sanitised, one sentence or clause).

        Yields pieces in the engine's own sample rate, with phoneme/word timings where it has
        them; the last piece has `ends_sentence`. An unknown voice raises `InvalidInput`, any
        failure `ProviderError(stage="tts")`.
        """
        ...

    async def warm(self, voices: Sequence[str] = ()) -> None:
        """Load weights and speak something unheard, with these voices where it has them."""
        ...

    async def aclose(self) -> None:
        """Release connections and processes; idempotent."""
        ...


RECOGNITION_RATE = 16_000
"""Sample rate that recognisers take, Hz."""


@runtime_checkable
class SpeechToText(Protocol):
    """A speech recogniser. Shared by all sessions of a worker; safe for concurrent calls."""

    name: str

    def ready(self) -> str:
        """ "" when it can listen, else the reason and the remedy; instant."""
        ...

    def transcribe(
        self, audio: AsyncIterator[Samples], language: str | None = None
    ) -> AsyncGenerator[Transcript, None]:
        """Recognise one utterance: mono int16 at `RECOGNITION_RATE` in pieces of any size, until its end.

        An empty piece says that the speaker pauses: what came so far may be all, and a recogniser
        that can prepares its answer, and gives it at once when nothing but the end follows.
        `language` (a code such as "en") is what is spoken; None: the recogniser finds out.

        Yields partial transcripts as it likes, then exactly one that is final; its text is "" when
        nothing was said: noise and silence give no words. Raises `ProviderError(stage="stt")`, and
        `TooMany` when too many utterances wait. Closing the generator cancels the work behind it.
        """
        ...

    async def warm(self) -> None:
        """Load weights and listen to something unheard."""
        ...

    async def aclose(self) -> None:
        """Release connections and processes; idempotent."""
        ...


VAD_FRAME_SAMPLES = 512
"""Samples of one decision of a `VoiceActivity`: 32 ms at `RECOGNITION_RATE`."""


@runtime_checkable
class VoiceActivity(Protocol):
    """Tells speech from everything else in one microphone's sound, 32 ms at a time."""

    async def feed(self, pcm: Samples) -> Sequence[float]:
        """The probability of speech (0..1) in each frame of `VAD_FRAME_SAMPLES` that `pcm` completes.

        `pcm` is mono int16 at `RECOGNITION_RATE`, any number of samples; what is left over counts for the
        next call. Call it for one piece after another. Raises `ProviderError(stage="vad")`; the next call
        may work again, with what was lost taken for silence.
        """
        ...


@runtime_checkable
class TurnDetector(Protocol):
    """Hears when somebody speaks, and whether they have finished. Shared by all sessions of a worker."""

    name: str

    def ready(self) -> str:
        """ "" when it can listen, else the reason and the remedy; instant."""
        ...

    def open(self) -> VoiceActivity:
        """The voice activity of one microphone, from silence on."""
        ...

    async def end_of_turn(self, pcm: Samples) -> float:
        """The probability (0..1) that the speaker has finished, at the pause in which `pcm` ends.

        `pcm` is the turn so far (its last 8 s are heard), mono int16 at `RECOGNITION_RATE`, up to the pause
        and about 0.2 s of it. Raises `ProviderError(stage="vad")`, also when it takes too long.
        """
        ...

    async def warm(self) -> None:
        """Load weights and listen to something unheard."""
        ...

    async def aclose(self) -> None:
        """Release processes; idempotent."""
        ...


@dataclass(frozen=True, slots=True)
class RendererCapabilities:
    """What a renderer needs and offers; the engine asks these, never names."""

    phoneme_timings: bool = False
    single_slot: bool = False
    looks: bool = False
    """Its faces are `LookingFace`s."""


@runtime_checkable
class Face(Protocol):
    """The moving picture of one session; frames are I420 of `height` x `width` (even)."""

    width: int
    height: int
    idle_key: str
    """Cache key of the idle loop: equal keys mean equal frames."""

    def idle_frames(self) -> Iterator[I420]:
        """The seamless idle loop, a whole number of seconds, rendered lazily; blocking: call in a thread."""
        ...

    def render(
        self, speech: AsyncIterator[Speech], turn_id: str, idle_position: int = 0
    ) -> AsyncGenerator[Segment, None]:
        """Frames for `speech` (at `MEDIA_RATE`), then a short tail that closes the mouth.

        `idle_position` is the frame of the idle loop from which the head goes on. A piece that
        does not end its sentence carries its odd samples into the next; otherwise it is
        padded with silence to a whole frame and leaves at once. Raises
        `ProviderError(stage="render")`.
        """
        ...

    async def aclose(self) -> None:
        """Release what belongs to this session; idempotent."""
        ...


Look = Literal["thinking", "listening", "rest"]
"""What a face can show between turns; "rest" leads back into the idle loop."""


@runtime_checkable
class LookingFace(Face, Protocol):
    """A face that shows what the session does while nobody speaks."""

    def look(self, kind: Look, idle_position: int = 0) -> AsyncGenerator[I420, None]:
        """Frames of a look, one at a time and no faster than they are asked for, until closed.

        Begins as the face looks now, at `idle_position` of the idle loop. "rest" ends by itself where
        the idle loop can go on: with the frame before a whole second of it. A `render` goes on from how
        the face looks then; close the look once its pictures are seen. Raises
        `ProviderError(stage="render")`.
        """
        ...


@runtime_checkable
class Renderer(Protocol):
    """A talking-head model. Shared by all sessions of a worker."""

    name: str
    capabilities: RendererCapabilities

    async def open(self, avatar: AvatarBundle) -> Face:
        """Prepare `avatar` (cached) and hand out a face; blocking work runs off the loop."""
        ...

    async def aclose(self) -> None:
        """Release weights; idempotent."""
        ...


@runtime_checkable
class KeepsAvatars(Protocol):
    """A renderer that keeps what it prepared of an avatar beyond its sessions."""

    async def forget(self, avatar: AvatarBundle) -> str:
        """Drop what is kept of `avatar`, whose files are still there; open faces go on.

        Returns the `idle_key` of its faces. Raises `ProviderError(stage="render")`.
        """
        ...
