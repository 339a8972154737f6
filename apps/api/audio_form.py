"""Sound in multipart forms: a file of any common kind, or raw PCM in the field `audio`."""

from dataclasses import dataclass
from email.message import Message
from typing import Annotated, BinaryIO, Literal

from fastapi import Depends, File, Form, UploadFile

from opentalking.core.audio_stream import DEFAULT_SAMPLE_RATE, HIGHEST_SAMPLE_RATE, LOWEST_SAMPLE_RATE
from opentalking.core.errors import InvalidInput

_RAW_TYPES = frozenset({"audio/l16", "audio/pcm", "application/octet-stream"})
_KINDS = "WAV, MP3, OGG/Opus, WebM, MP4/M4A, AAC or FLAC, told by content; at most 15 MiB and 10 minutes"


@dataclass(frozen=True, slots=True)
class UploadedSound:
    """The file that counts, its field, and the rate at which it may be raw PCM (None: it may not)."""

    file: BinaryIO
    field: Literal["file", "audio"]
    raw_rate: int | None


async def _optional(
    file: Annotated[
        UploadFile | None, File(description=f"Sound: {_KINDS}.", examples=["question.wav"])
    ] = None,
    audio: Annotated[
        UploadFile | None,
        File(
            description=f"Sound: {_KINDS}. In this field also raw s16le mono PCM, with `sample_rate` or one "
            "of the types audio/L16, audio/pcm and application/octet-stream.",
            examples=["speech.wav"],
        ),
    ] = None,
    sample_rate: Annotated[
        int | None,
        Form(
            ge=LOWEST_SAMPLE_RATE,
            le=HIGHEST_SAMPLE_RATE,
            description=f"Rate of raw PCM, Hz; default {DEFAULT_SAMPLE_RATE}.",
            examples=[DEFAULT_SAMPLE_RATE],
        ),
    ] = None,
) -> UploadedSound | None:
    if file is not None and _is_sent(file):
        return UploadedSound(file.file, "file", None)
    if audio is not None and _is_sent(audio):
        return UploadedSound(audio.file, "audio", _raw_rate(audio, sample_rate))
    return None


def required(sound: UploadedSound | None) -> UploadedSound:
    """The sound; raises `InvalidInput` when none was sent."""
    if sound is None:
        raise InvalidInput("file or audio is required; send a sound in one of them")
    return sound


OptionalSoundForm = Annotated[UploadedSound | None, Depends(_optional)]
"""The fields `file` (which wins), `audio` and `sample_rate`."""


async def _required(sound: OptionalSoundForm) -> UploadedSound:
    return required(sound)


SoundForm = Annotated[UploadedSound, Depends(_required)]
"""The same fields; without a sound the request is refused."""


def _is_sent(upload: UploadFile) -> bool:
    """A browser sends a file input that was left alone as an empty file without a name."""
    return bool(upload.filename or upload.size)


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
