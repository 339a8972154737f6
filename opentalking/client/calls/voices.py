"""Voices, and speech without a session."""

from opentalking.client.models import ClonedVoice, DeletedVoice, Voices
from opentalking.client.wire import (
    SLOW_CALL_SECONDS,
    Call,
    FileSource,
    body,
    endpoint,
    parsed,
    place,
    sent,
)


@endpoint("POST /tts/preview")
def preview_voice(
    text: str, *, voice: str | None = None, tts_provider: str | None = None, tts_model: str | None = None
) -> Call[bytes]:
    """A short text in a voice, as a WAV file."""
    return Call(
        "POST",
        "/tts/preview",
        body,
        json=sent(text=text, voice=voice, tts_provider=tts_provider, tts_model=tts_model),
    )


@endpoint("GET /voices")
def list_voices(*, provider: str | None = None) -> Call[Voices]:
    """The voices of one provider, or of all."""
    return Call("GET", "/voices", parsed(Voices), query=sent(provider=provider))


@endpoint("POST /voices/clone")
def clone_voice(  # noqa: PLR0913 - the fields of the request
    provider: str,
    target_model: str,
    display_label: str,
    audio: FileSource,
    *,
    prefix: str | None = None,
    preferred_name: str | None = None,
    prompt_text: str | None = None,
    consent: bool | None = None,
) -> Call[ClonedVoice]:
    """Make a voice of a sample; `consent`: the person who speaks in it agrees."""
    return Call(
        "POST",
        "/voices/clone",
        parsed(ClonedVoice),
        form=sent(
            provider=provider,
            target_model=target_model,
            display_label=display_label,
            prefix=prefix,
            preferred_name=preferred_name,
            prompt_text=prompt_text,
            consent=None if consent is None else str(consent).lower(),
        ),
        files={"audio": audio},
        read_seconds=SLOW_CALL_SECONDS,
    )


@endpoint("DELETE /voices/{entry_id}")
def delete_voice(entry_id: int) -> Call[DeletedVoice]:
    """Delete a cloned voice by its number in `list_voices`."""
    path = place("/voices/{entry_id}", entry_id=entry_id)
    return Call("DELETE", path, parsed(DeletedVoice), read_seconds=SLOW_CALL_SECONDS)


@endpoint("GET /voice-uploads/{token}")
def get_voice_upload(token: str) -> Call[bytes]:
    """A sample that waits for the service that clones it, as a WAV file."""
    return Call("GET", place("/voice-uploads/{token}", token=token), body)
