"""The voices that can be named in a request."""

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from opentalking.catalog.voices import Clone, VoiceCatalog
from opentalking.core.consent import Consent
from opentalking.core.conversation import Voice
from opentalking.core.providers import TextToSpeech

SYSTEM_USER_ID = 1


@dataclass(frozen=True, slots=True)
class VoiceEntry:
    """A voice with the integer by which clients name it; the same one in every run.

    Of cloned voices it is known whether the person agreed, and when they were made (RFC 3339).
    """

    id: int
    user_id: int
    voice: Voice
    consent: Consent | None = None
    created_at: str | None = None


class VoiceService:
    """System voices of the speech providers, and cloned ones out of the catalogue."""

    def __init__(
        self,
        speakers: Mapping[str, TextToSpeech],
        catalog: VoiceCatalog,
        aliases: Mapping[str, str] | None = None,
    ) -> None:
        self._speakers = speakers
        self._catalog = catalog
        self._aliases = aliases or {}
        self._clones: dict[int, Voice] = {}

    async def all(self, provider: str | None = None) -> Sequence[VoiceEntry]:
        """Voices of one provider, or of all: system voices first, each kind by number.

        An unknown provider has none. Raises `Unavailable`.
        """
        name = None if provider is None else self._aliases.get(provider, provider)
        clones = await asyncio.to_thread(self._catalog.clones, name)
        system = sorted(self._system(name), key=lambda entry: entry.id)
        return [*system, *map(clone_entry, clones)]

    async def load(self) -> None:
        """Learn the cloned voices for `known`, which does not read the catalogue; raises `Unavailable`."""
        for clone in await asyncio.to_thread(self._catalog.clones, None):
            self.remember(clone_entry(clone))

    def remember(self, entry: VoiceEntry) -> None:
        """A cloned voice was made."""
        self._clones[entry.id] = entry.voice

    def forget(self, entry_id: int) -> None:
        """A cloned voice was deleted."""
        self._clones.pop(entry_id, None)

    def known(self, voice_id: str) -> list[Voice]:
        """Voices of this name, whoever speaks them: system voices, then clones; instant."""
        system = (entry.voice for entry in self._system(None))
        return [voice for voice in (*system, *self._clones.values()) if voice.voice_id == voice_id]

    def of(self, provider: str) -> Sequence[Voice]:
        """System voices of a provider; instant."""
        return [entry.voice for entry in self._system(provider)]

    def is_system(self, entry_id: int) -> bool:
        """Whether this is the number of a system voice."""
        return any(entry.id == entry_id for entry in self._system(None))

    def _system(self, name: str | None) -> list[VoiceEntry]:
        names = list(self._speakers) if name is None else [name]
        return [
            VoiceEntry(_stable_id(provider, voice), SYSTEM_USER_ID, voice)
            for provider in names
            if provider in self._speakers
            for voice in self._speakers[provider].voices()
            if voice.source == "system"
        ]


def clone_entry(clone: Clone) -> VoiceEntry:
    """A cloned voice as clients see it."""
    voice = Voice(
        voice_id=clone.voice_id,
        display_label=clone.display_label,
        provider=clone.provider,
        target_model=clone.target_model,
        source="clone",
    )
    return VoiceEntry(clone.id, clone.user_id, voice, clone.consent, clone.created_at)


def _stable_id(provider: str, voice: Voice) -> int:
    """A positive integer below 2⁵² (exact in JavaScript), from what names the voice."""
    key = "\0".join((provider, voice.voice_id, voice.target_model))
    return int.from_bytes(hashlib.blake2b(key.encode(), digest_size=8).digest()) >> 12 | 1 << 51
