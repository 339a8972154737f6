"""Voices made from a person's sample: what is asked of whoever makes them."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

SAMPLE_RATE = 24_000
"""Rate of every sample; mono, 16 bits."""


@dataclass(frozen=True, slots=True)
class VoiceOrder:
    """What a voice is made of, and for which model.

    `wav` is the sample as a WAV file at `SAMPLE_RATE`; `url` is where it can be fetched, for cloners that
    fetch it; `name` becomes part of the voice's id where the cloner lets us choose; `transcript` is what
    the sample says, if that is known.
    """

    target_model: str
    name: str
    wav: bytes
    url: str = ""
    transcript: str = ""


@runtime_checkable
class VoiceCloner(Protocol):
    """Makes voices from samples; safe for concurrent calls."""

    fetches_sample: bool
    """Whether it fetches the sample from `VoiceOrder.url`, while `create_voice` runs or soon after."""

    def voice_name(self, prefix: str | None, preferred_name: str | None) -> str:
        """`VoiceOrder.name` out of what the caller wishes, else one of its own; raises `InvalidInput`."""
        ...

    def check_cloning(self) -> None:
        """Raise what keeps it from making voices: `InvalidInput` for what must be installed here,
        `ProviderError` for what a service lacks; instant.
        """
        ...

    def undeletable(self) -> str:
        """ "" when it can delete the voices it made, else the reason; instant."""
        ...

    async def create_voice(self, order: VoiceOrder) -> str:
        """Make a voice; returns its id. Raises `ProviderError(stage="tts")` and then leaves nothing here."""
        ...

    async def delete_voice(self, voice_id: str) -> None:
        """Delete a voice; one that is gone already is fine. Raises `ProviderError(stage="tts")`."""
        ...
