"""Provider names as clients may write them."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from opentalking.core.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class ProviderNames:
    """Names that are known, installed or not; `aliases` maps other spellings to one of them."""

    tts: frozenset[str] = frozenset()
    stt: frozenset[str] = frozenset()
    aliases: Mapping[str, str] = field(default_factory=dict)

    def tts_name(self, name: str | None) -> str | None:
        """The canonical name of a voice engine, None for None; raises `InvalidInput`."""
        return self._known("tts_provider", name, self.tts)

    def stt_name(self, name: str | None) -> str | None:
        """The canonical name of a recogniser, None for None; raises `InvalidInput`."""
        return self._known("stt_provider", name, self.stt)

    def _known(self, what: str, name: str | None, known: frozenset[str]) -> str | None:
        if name is None:
            return None
        canonical = self.aliases.get(name, name)
        if canonical not in known:
            raise InvalidInput(f"{what} is not known; use one of {', '.join(sorted(known)) or '(none)'}")
        return canonical
