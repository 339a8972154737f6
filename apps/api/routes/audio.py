"""Uploaded sound: played through the face, or recognised and answered."""

from email.message import Message
from typing import Annotated, Literal

from fastapi import APIRouter, File, Form, UploadFile

from apps.api.deps import Services
from apps.api.forms import form_route
from apps.api.responses import errors
from apps.api.routes.sessions import SessionId
from apps.api.schemas.session import TurnBody
from opentalking.core.audio_stream import DEFAULT_SAMPLE_RATE, HIGHEST_SAMPLE_RATE, LOWEST_SAMPLE_RATE
from opentalking.core.errors import InvalidInput, ProviderError

router = APIRouter(tags=["sessions"], route_class=form_route(lambda limits: limits.audio_bytes))
_RAW_TYPES = frozenset({"audio/l16", "audio/pcm", "application/octet-stream"})
_KINDS = "WAV, MP3, OGG/Opus, WebM, MP4/M4A, AAC or FLAC, told by content; at most 15 MiB and 10 minutes"

AudioFile = Annotated[
    UploadFile | None,
    File(
        description=f"Sound: {_KINDS}. In this field also raw s16le mono PCM, with `sample_rate` or one of "
        "the types audio/L16, audio/pcm and application/octet-stream.",
        examples=["speech.pcm"],
    ),
]
PlainFile = Annotated[UploadFile | None, File(description=f"Sound: {_KINDS}.", examples=["speech.mp3"])]
SampleRate = Annotated[
    int | None,
    Form(
        ge=LOWEST_SAMPLE_RATE,
        le=HIGHEST_SAMPLE_RATE,
        description=f"Rate of raw PCM, Hz; default {DEFAULT_SAMPLE_RATE}.",
        examples=[DEFAULT_SAMPLE_RATE],
    ),
]


@router.post(
    "/sessions/{session_id}/speak_flashtalk_audio",
    operation_id="playAudio",
    summary="Let the character speak with a sound of your own",
    responses=errors(400, 404, 409, 413, 429, 503),
)
async def speak_flashtalk_audio(
    session_id: SessionId,
    services: Services,
    file: PlainFile = None,
    audio: AudioFile = None,
    sample_rate: SampleRate = None,
) -> TurnBody:
    """Play a sound through the face, with any model; `file` wins over `audio`. A running turn is interrupted.

    Answered when the beginning of the sound is decoded; damage further on becomes an `error` event.
    """
    return await _play(services, session_id, file, audio, sample_rate)


@router.post(
    "/sessions/{session_id}/speak_audio",
    operation_id="speakAudio",
    summary="Play a sound, or answer what is said in it",
    responses=errors(400, 404, 409, 413, 429, 502, 503),
)
async def speak_audio(
    session_id: SessionId,
    services: Services,
    file: PlainFile = None,
    audio: AudioFile = None,
    sample_rate: SampleRate = None,
    mode: Annotated[
        Literal["play", "converse"] | None,
        Form(description="Default: `play` for `audio`, `converse` for `file`.", examples=["play"]),
    ] = None,
) -> TurnBody:
    """Play the field `audio` through the face; answer what is said in the field `file`, as `/chat` does.

    With both, `file` counts; `mode` decides whatever the field is.
    """
    if (mode or ("converse" if _sent(file) else "play")) == "play":
        return await _play(services, session_id, file, audio, sample_rate)
    await services.sessions.require_talking(session_id)
    raise ProviderError("this server has no speech recogniser yet", stage="stt", provider="none")


async def _play(
    services: Services, session_id: str, file: UploadFile | None, audio: UploadFile | None, rate: int | None
) -> TurnBody:
    upload, raw_rate = sound_of(file, audio, rate)
    turn_id = await services.playing.play_file(session_id, upload.file, raw_rate)
    return TurnBody(session_id=session_id, turn_id=turn_id, status="queued")


def sound_of(
    file: UploadFile | None, audio: UploadFile | None, sample_rate: int | None
) -> tuple[UploadFile, int | None]:
    """The upload that counts, and the rate at which it may be raw PCM (None: it may not be).

    Raises `InvalidInput` when there is none.
    """
    if file is not None and _sent(file):
        return file, None
    if audio is not None and _sent(audio):
        return audio, _raw_rate(audio, sample_rate)
    raise InvalidInput("file or audio is required; send a sound in one of them")


def _sent(upload: UploadFile | None) -> bool:
    """A browser sends a file input that was left alone as an empty file without a name."""
    return upload is not None and bool(upload.filename or upload.size)


def _raw_rate(audio: UploadFile, sample_rate: int | None) -> int | None:
    if sample_rate is not None:
        return sample_rate
    header = Message()
    header["content-type"] = audio.content_type or ""
    if header.get_content_type() not in _RAW_TYPES:
        return None
    named = str(header.get_param("rate", "") or "")
    rate = int(named) if named.isascii() and named.isdigit() and len(named) < 7 else DEFAULT_SAMPLE_RATE
    if not LOWEST_SAMPLE_RATE <= rate <= HIGHEST_SAMPLE_RATE:
        raise InvalidInput(
            f"sample_rate must be within {LOWEST_SAMPLE_RATE} and {HIGHEST_SAMPLE_RATE}; resample the audio"
        )
    return rate
