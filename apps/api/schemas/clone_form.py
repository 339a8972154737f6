"""The fields of the form that clones a voice."""

from typing import Annotated

from fastapi import File, Form, UploadFile

from apps.api.schemas.voice import CLONE_LABEL, CLONE_MODEL_EXAMPLE

Provider = Annotated[str, Form(description="`dashscope`, `cosyvoice` or `local`.", examples=["dashscope"])]
TargetModel = Annotated[
    str, Form(description="The engine's model that will speak with it.", examples=[CLONE_MODEL_EXAMPLE])
]
DisplayLabel = Annotated[
    str, Form(description="Name for people, at most 100 characters.", examples=[CLONE_LABEL])
]
Audio = Annotated[
    UploadFile,
    File(
        description="10 to 20 s of one person speaking, at most 60 s: WAV, MP3, OGG/Opus, WebM, MP4/M4A, "
        "AAC or FLAC; 256 B to 12 MiB.",
        examples=["(the bytes of a WAV file)"],
    ),
]
Prefix = Annotated[
    str | None,
    Form(description="`cosyvoice`: begins the voice's id; 1 to 9 of a-z, 0-9.", examples=["amy2"]),
]
PreferredName = Annotated[
    str | None,
    Form(
        description="`dashscope`: part of the voice's id; a letter, then up to 19 of a-z, 0-9, _.",
        examples=["amy_2"],
    ),
]
PromptText = Annotated[
    str | None,
    Form(
        description="What the sample says, at most 10 000 characters; `dashscope` checks it.",
        examples=["Hello, I am Amy."],
    ),
]
Consent = Annotated[
    str | None,
    Form(
        description="`true`: the person whose voice this is has agreed. Stored with the voice.",
        examples=["true"],
    ),
]
