"""The voices that can be named in a request."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from opentalking.core.conversation import Voice
from opentalking.core.providers import TextToSpeech

SYSTEM_USER_ID = 1


@dataclass(frozen=True, slots=True)
class VoiceEntry:
    """A voice with the integer by which clients name it; the same one in every run."""

    id: int
    user_id: int
    voice: Voice


class VoiceService:
    """System voices of the speech providers."""

    def __init__(
        self, speakers: Mapping[str, TextToSpeech], aliases: Mapping[str, str] | None = None
    ) -> None:
        self._speakers = speakers
        self._aliases = aliases or {}

    async def all(self, provider: str | None = None) -> Sequence[VoiceEntry]:
        """Voices of one provider, or of all; an unknown provider has none."""
        names = list(self._speakers) if provider is None else [self._aliases.get(provider, provider)]
        return [
            VoiceEntry(_stable_id(name, voice), SYSTEM_USER_ID, voice)
            for name in names
            if name in self._speakers
            for voice in self._speakers[name].voices()
        ]


def _stable_id(provider: str, voice: Voice) -> int:
    """A positive integer below 2⁵² (exact in JavaScript), from what names the voice."""
    key = "\0".join((provider, voice.voice_id, voice.target_model))
    return int.from_bytes(hashlib.blake2b(key.encode(), digest_size=8).digest()) >> 12 | 1 << 51
