"""What a service asks of a worker: one union of typed commands, one of typed replies."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from opentalking.core.conversation import Emotion, TurnTaking
from opentalking.core.recordings import RecordingState
from opentalking.core.sessions import SessionRecord


class _Command(BaseModel):
    model_config = ConfigDict(frozen=True)

    session_id: str


class CreateSession(_Command):
    """Load avatar and model for a recorded session. Goes to any worker; replies `Created`."""

    type: Literal["create"] = "create"
    record: SessionRecord


class ConnectPeer(_Command):
    """Answer a WebRTC offer; replies `Answer`. A later one replaces the peer."""

    type: Literal["connect"] = "connect"
    sdp: str


class StartSession(_Command):
    """Move from `worker_ready` to `ready`; replies `Done`, or raises `Conflict` when started before."""

    type: Literal["start"] = "start"


class VoiceChoice(BaseModel):
    """Overrides of the session's voice for one turn; None keeps the session's."""

    model_config = ConfigDict(frozen=True)

    voice: str | None = None
    tts_provider: str | None = None
    tts_model: str | None = None


class StartChat(_Command):
    """Answer the user's text; replies `Done` at once, the turn runs on."""

    type: Literal["chat"] = "chat"
    turn_id: str
    prompt: str
    voice: VoiceChoice = VoiceChoice()
    emotion: Emotion = "neutral"


class StartSpeak(_Command):
    """Say a text verbatim; replies `Done` at once, the turn runs on."""

    type: Literal["speak"] = "speak"
    turn_id: str
    text: str
    voice: VoiceChoice = VoiceChoice()
    emotion: Emotion = "neutral"


class ExpectSound(_Command):
    """A turn or a recognition was accepted whose sound is still being read. Sent, not called.

    What is accepted later takes effect on it already: an `Interrupt`, and with `answer` (it will start
    a turn) every other turn. `StartPlay` or `StartRecognition` of that `turn_id` then raises `Conflict`.
    """

    type: Literal["expect_sound"] = "expect_sound"
    turn_id: str
    answer: bool


class StartPlay(_Command):
    """Play the sound of a stream (`CommandBus.open_audio`) through the face; replies `Done` at once."""

    type: Literal["play"] = "play"
    turn_id: str
    stream_id: str


class StartRecognition(_Command):
    """Recognise the sound of a stream (mono, 16 kHz); replies `Recognised` when it is done.

    With `answer` a chat turn named `turn_id` answers what was said, if anything was. An `Interrupt`
    that is accepted later cancels it (`Conflict`, code `interrupted`), and so does a turn if it would answer.
    """

    type: Literal["recognise"] = "recognise"
    turn_id: str
    stream_id: str
    stt_provider: str | None = None
    voice: VoiceChoice = VoiceChoice()
    answer: bool = False


class Interrupt(_Command):
    """Cancel what was accepted before; `turn_id` limits it to that turn or recognition. Replies `Done`."""

    type: Literal["interrupt"] = "interrupt"
    turn_id: str | None = None


class Listen(_Command):
    """Choose how the microphone is listened to, or say that the button is held; replies `Listening`.

    None changes nothing. `talking` only means something with `push_to_talk` (else `Conflict`):
    true begins an utterance and interrupts the avatar, false ends it, and a turn answers it.
    Both may be repeated.
    """

    type: Literal["listen"] = "listen"
    turn_taking: TurnTaking | None = None
    talking: bool | None = None


class ReportSilence(_Command):
    """A page heard the last of an interrupted turn `after_ms` after it learnt of its end. Sent."""

    type: Literal["report_silence"] = "report_silence"
    turn_id: str
    after_ms: int


class CopySaid(_Command):
    """Put what was heard of the session so far beside an offline job; replies `Done`.

    Raises `Conflict` when nothing was said. The job's own from then on, whatever the session does.
    """

    type: Literal["copy_said"] = "copy_said"
    job_id: str


class StartRecording(_Command):
    """Begin a recording, and drop the one before; replies `Recorded` once it runs."""

    type: Literal["start_recording"] = "start_recording"


class StopRecording(_Command):
    """End the recording, if there is one; replies `Recorded` when its file is complete."""

    type: Literal["stop_recording"] = "stop_recording"


class GetRecording(_Command):
    """Ask how the recording stands; replies `Recorded`."""

    type: Literal["get_recording"] = "get_recording"


RecordingCommand = StartRecording | StopRecording | GetRecording


class Touch(_Command):
    """A request came for the session: its idle limit starts anew. Sent, not called."""

    type: Literal["touch"] = "touch"


class CloseSession(_Command):
    """Free everything; replies `Done` when peer, slot and avatar are free."""

    type: Literal["close"] = "close"


Command = Annotated[
    CreateSession
    | ConnectPeer
    | StartSession
    | StartChat
    | StartSpeak
    | ExpectSound
    | StartPlay
    | StartRecognition
    | Interrupt
    | Listen
    | ReportSilence
    | CopySaid
    | RecordingCommand
    | Touch
    | CloseSession,
    Field(discriminator="type"),
]


class Done(BaseModel):
    """Taken and, where that is instant, carried out."""

    type: Literal["done"] = "done"


class Created(BaseModel):
    """How far the new session came before the reply."""

    type: Literal["created"] = "created"
    status: Literal["created", "initializing", "queued"]


class Answer(BaseModel):
    """The WebRTC answer with all its candidates."""

    type: Literal["answer"] = "answer"
    sdp: str


class Recorded(BaseModel):
    """How a session's recording stands."""

    type: Literal["recorded"] = "recorded"
    state: RecordingState
    duration_ms: int = 0


class Recognised(BaseModel):
    """What was said; "" when no words were recognised."""

    type: Literal["recognised"] = "recognised"
    text: str


class Listening(BaseModel):
    """How the microphone is listened to now."""

    type: Literal["listening"] = "listening"
    turn_taking: TurnTaking
    talking: bool


Reply = Annotated[Done | Created | Answer | Recorded | Recognised | Listening, Field(discriminator="type")]

command_adapter: TypeAdapter[Command] = TypeAdapter(Command)
reply_adapter: TypeAdapter[Reply] = TypeAdapter(Reply)
