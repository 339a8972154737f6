"""Whether a voice, an engine and a model that a request names go together."""

from collections.abc import Set as AbstractSet

from opentalking.core.commands import VoiceChoice
from opentalking.core.conversation import Voice
from opentalking.core.errors import InvalidInput
from opentalking.services.names import ProviderNames
from opentalking.services.voices import VoiceService


class VoiceChoices:
    """Checks choices of voices; instant, so that requests keep their order.

    `default_provider` speaks where nobody names an engine. `closed` are the engines that have no
    other voices than the listed ones; the other ones may know voices that are not listed here.
    """

    def __init__(
        self,
        voices: VoiceService,
        names: ProviderNames,
        default_provider: str,
        closed: AbstractSet[str] = frozenset(),
    ) -> None:
        self._voices = voices
        self._names = names
        self._default_provider = default_provider
        self._closed = closed

    def checked(self, choice: VoiceChoice, own_provider: str | None = None) -> VoiceChoice:
        """The choice with canonical names, and with a cloned voice's own model.

        `own_provider` is the session's engine. Raises `InvalidInput` for an unknown engine, a voice of
        another engine than the one that is to speak, and a cloned voice with another model than its own.
        """
        named = self._names.tts_name(choice.tts_provider)
        choice = choice.model_copy(update={"tts_provider": named})
        if choice.voice is None:
            return choice
        provider = named or own_provider or self._default_provider
        voices = self._voices.known(choice.voice)
        mine = [voice for voice in voices if voice.provider == provider]
        if not mine:
            self._refuse_strange(choice.voice, provider, voices)
        elif mine[0].source == "clone":
            return self._with_own_model(choice, mine)
        return choice

    def own_model(self, voice: str | None, provider: str | None) -> str | None:
        """The model of a cloned voice, None for every other one."""
        name = provider or self._default_provider
        known = self._voices.known(voice) if voice else []
        clones = [one for one in known if one.source == "clone" and one.provider == name]
        return clones[-1].target_model or None if clones else None

    def _refuse_strange(self, name: str, provider: str, elsewhere: list[Voice]) -> None:
        hint = f"take one from GET /voices?provider={provider}"
        if elsewhere:
            other = elsewhere[0].provider
            raise InvalidInput(
                f"voice belongs to {other}, not to {provider}; send tts_provider={other} or {hint}"
            )
        if provider in self._closed and any(self._voices.of(provider)):
            raise InvalidInput(f"voice {name[:100]!r} is not known to {provider}; {hint}")

    def _with_own_model(self, choice: VoiceChoice, clones: list[Voice]) -> VoiceChoice:
        models = [clone.target_model for clone in clones if clone.target_model]
        if choice.tts_model is None:
            return choice.model_copy(update={"tts_model": models[-1] if models else None})
        if models and choice.tts_model not in models:
            raise InvalidInput(
                f"tts_model does not speak this cloned voice; send {models[-1]} or leave it out"
            )
        return choice
