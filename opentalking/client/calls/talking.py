"""Talking: words and sound in, turns out."""

from opentalking.client.models import HeardTurn, Interrupted, Listening, SessionStatus, Transcription, Turn
from opentalking.client.wire import (
    SLOW_CALL_SECONDS,
    Call,
    FileSource,
    endpoint,
    parsed,
    place,
    sent,
)
from opentalking.core.conversation import Emotion, TurnTaking


@endpoint("POST /sessions/{session_id}/chat")
def chat(
    session_id: str,
    prompt: str,
    *,
    voice: str | None = None,
    tts_provider: str | None = None,
    tts_model: str | None = None,
    emotion: Emotion | None = None,
) -> Call[Turn]:
    """Let the character answer what the user says."""
    return Call(
        "POST",
        place("/sessions/{session_id}/chat", session_id=session_id),
        parsed(Turn),
        json=sent(
            prompt=prompt, voice=voice, tts_provider=tts_provider, tts_model=tts_model, emotion=emotion
        ),
    )


@endpoint("POST /sessions/{session_id}/speak")
def speak(
    session_id: str,
    text: str,
    *,
    voice: str | None = None,
    tts_provider: str | None = None,
    tts_model: str | None = None,
    emotion: Emotion | None = None,
) -> Call[Turn]:
    """Let the character say a text verbatim."""
    return Call(
        "POST",
        place("/sessions/{session_id}/speak", session_id=session_id),
        parsed(Turn),
        json=sent(text=text, voice=voice, tts_provider=tts_provider, tts_model=tts_model, emotion=emotion),
    )


@endpoint("POST /sessions/{session_id}/transcribe")
def transcribe(
    session_id: str,
    *,
    file: FileSource | None = None,
    audio: FileSource | None = None,
    sample_rate: int | None = None,
    stt_provider: str | None = None,
    trigger_chat: bool | None = None,
) -> Call[Transcription]:
    """Recognise a file, or raw PCM (`audio` with `sample_rate`); with `trigger_chat` it is answered, too."""
    return Call(
        "POST",
        place("/sessions/{session_id}/transcribe", session_id=session_id),
        parsed(Transcription),
        form=sent(
            sample_rate=None if sample_rate is None else str(sample_rate),
            stt_provider=stt_provider,
            trigger_chat=None if trigger_chat is None else str(trigger_chat).lower(),
        ),
        files=sent(file=file, audio=audio),
        read_seconds=SLOW_CALL_SECONDS,
    )


@endpoint("POST /sessions/{session_id}/speak_audio")
def speak_audio(  # noqa: PLR0913 - the fields of the request
    session_id: str,
    *,
    audio: FileSource | None = None,
    file: FileSource | None = None,
    sample_rate: int | None = None,
    voice: str | None = None,
    tts_provider: str | None = None,
    tts_model: str | None = None,
    stt_provider: str | None = None,
    mode: str | None = None,
) -> Call[HeardTurn]:
    """Play sound through the face (`audio`), or recognise and answer it (`file`); `mode` says it outright."""
    return Call(
        "POST",
        place("/sessions/{session_id}/speak_audio", session_id=session_id),
        parsed(HeardTurn),
        form=sent(
            sample_rate=None if sample_rate is None else str(sample_rate),
            voice=voice,
            tts_provider=tts_provider,
            tts_model=tts_model,
            stt_provider=stt_provider,
            mode=mode,
        ),
        files=sent(audio=audio, file=file),
        read_seconds=SLOW_CALL_SECONDS,
    )


@endpoint("POST /sessions/{session_id}/speak_flashtalk_audio")
def speak_flashtalk_audio(
    session_id: str,
    *,
    file: FileSource | None = None,
    audio: FileSource | None = None,
    sample_rate: int | None = None,
) -> Call[Turn]:
    """Drive the face with a sound file, or with raw PCM (`audio` with `sample_rate`)."""
    return Call(
        "POST",
        place("/sessions/{session_id}/speak_flashtalk_audio", session_id=session_id),
        parsed(Turn),
        form=sent(sample_rate=None if sample_rate is None else str(sample_rate)),
        files=sent(file=file, audio=audio),
        read_seconds=SLOW_CALL_SECONDS,
    )


@endpoint("POST /sessions/{session_id}/interrupt")
def interrupt(session_id: str, *, turn_id: str | None = None) -> Call[Interrupted]:
    """Silence the character: every turn accepted so far, or only the one named."""
    return Call(
        "POST",
        place("/sessions/{session_id}/interrupt", session_id=session_id),
        parsed(Interrupted),
        json=sent(turn_id=turn_id),
    )


@endpoint("POST /sessions/{session_id}/listening")
def set_listening(
    session_id: str, *, turn_taking: TurnTaking | None = None, talking: bool | None = None
) -> Call[Listening]:
    """Choose how the microphone is listened to; hold (`talking`) or release the button; or only ask."""
    return Call(
        "POST",
        place("/sessions/{session_id}/listening", session_id=session_id),
        parsed(Listening),
        json=sent(turn_taking=turn_taking, talking=talking),
    )


@endpoint("POST /sessions/{session_id}/playout")
def report_playout(session_id: str, turn_id: str, silent_after_ms: int) -> Call[SessionStatus]:
    """Report how long an interrupted turn still sounded here after its end was known."""
    return Call(
        "POST",
        place("/sessions/{session_id}/playout", session_id=session_id),
        parsed(SessionStatus),
        json=sent(turn_id=turn_id, silent_after_ms=silent_after_ms),
    )
