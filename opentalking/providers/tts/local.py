"""The embedded voices: several engines behind one name, chosen by language, voice and what is there."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from pathlib import Path

from opentalking.core.cloning import VoiceOrder
from opentalking.core.conversation import Voice
from opentalking.core.errors import InvalidInput, ProviderError
from opentalking.core.media import Speech
from opentalking.providers.tts.cache import PhraseCache
from opentalking.providers.tts.casting import cast
from opentalking.providers.tts.child_engine import PROVIDER, ChildLimits, Engine
from opentalking.providers.tts.kokoro import KokoroEngine
from opentalking.providers.tts.piper import JOE, PiperEngine, PiperStyle
from opentalking.providers.tts.pocket import PocketEngine
from opentalking.text.language import Language, has_han, language_of, mostly_known

_CACHED_MAX_CHARACTERS = 80


@dataclass(frozen=True, slots=True)
class LocalSpeechConfig:
    """How the embedded voices speak and what they may use.

    `models_directory` is the model store. `voice` speaks when none is named (empty: Joe, else
    Kokoro's first). The `piper` style, and Kokoro's pace (`kokoro_speed`, above 1 is faster) and least
    length of a stretch. Cloned voices lie in `clones_directory` (default: in the model store) and speak
    with a `pocket_language` whose weights are in `pocket_cache`. Each engine has its own limits.
    """

    models_directory: Path
    voice: str = ""
    piper: PiperStyle = field(default_factory=PiperStyle)
    kokoro_speed: float = 1.0
    kokoro_first_piece_seconds: float = 0.5
    piper_limits: ChildLimits = field(default_factory=ChildLimits)
    kokoro_limits: ChildLimits = field(default_factory=ChildLimits)
    clones_directory: Path | None = None
    pocket_language: str = "english"
    pocket_cache: Path | None = None
    pocket_limits: ChildLimits = field(default_factory=ChildLimits)
    cache_bytes: int = 16 << 20


class LocalTextToSpeech:
    """`TextToSpeech` with Piper (fast English) and Kokoro (Chinese and English), each at its own rate.

    A `VoiceCloner`, too, where Pocket TTS is installed.
    """

    name = PROVIDER
    fetches_sample = False

    def __init__(self, config: LocalSpeechConfig) -> None:
        self._config = config
        self._cache = PhraseCache(config.cache_bytes)
        directory = config.models_directory
        piper_voice = config.voice if (directory / "piper" / f"{config.voice}.onnx").is_file() else JOE
        self._piper = PiperEngine(directory, piper_voice, config.piper, config.piper_limits)
        self._kokoro = KokoroEngine(
            directory, config.kokoro_speed, config.kokoro_first_piece_seconds, config.kokoro_limits
        )
        self._pocket = PocketEngine(
            config.clones_directory or directory / "clones",
            config.pocket_language,
            config.pocket_cache,
            config.pocket_limits,
        )
        engines: tuple[Engine, ...] = (self._piper, self._kokoro, self._pocket)
        self._engines = {engine.name: engine for engine in engines}

    def pid(self, engine: str) -> int | None:
        """Process id of an engine ("piper", "kokoro", "pocket"), None while it does not run."""
        return self._engines[engine].pid

    def ready(self) -> str:
        """ "" when an engine with voices of its own can speak, else what is missing of one and the remedy."""
        reasons = [engine.ready() for engine in (self._piper, self._kokoro)]
        return "" if "" in reasons else next(filter(None, reasons))

    def voices(self) -> Sequence[Voice]:
        """All usable voices, the default one first, cloned ones last."""
        found = [
            voice for engine in self._engines.values() if not engine.ready() for voice in engine.voices()
        ]
        return sorted(
            found, key=lambda voice: (voice.source == "clone", voice.voice_id != self._config.voice)
        )

    async def speak(
        self, text: str, voice: str | None = None, model: str | None = None
    ) -> AsyncGenerator[Speech, None]:
        """Speak `text`, in pieces; `model` is ignored (a voice is its model).

        The pieces' texts joined are `text`; timings and offsets are relative to their piece. A text in
        another language than the voice's is spoken by the nearest voice that has it. Raises
        `InvalidInput` for an unknown voice, `ProviderError(stage="tts")`.
        """
        wanted = self._wanted(voice)
        language = language_of(text)
        if not any(character.isalnum() for character in text):
            return
        speaker = self._cast(text, language, wanted)
        key = (speaker.voice_id, language, text)
        if (cached := self._cache.get(key)) is not None:
            for piece in cached:
                yield piece
            return
        spoken: list[Speech] = []
        engine = self._engines[speaker.engine]
        async with aclosing(engine.speak(text, speaker.voice_id, language)) as pieces:
            async for piece in pieces:
                spoken.append(piece)
                yield piece
        if len(text) <= _CACHED_MAX_CHARACTERS:
            self._cache.put(key, spoken)

    async def warm(self, voices: Sequence[str] = ()) -> None:
        """Load the engines of these voices and of the default one, and speak something unheard."""
        known = {voice.voice_id: voice for voice in self.voices()}
        wanted = [known[name] for name in dict.fromkeys((*voices, *list(known)[:1])) if name in known]
        if not wanted:
            raise ProviderError(self.ready(), stage="tts", provider=self.name)
        for engine in self._engines.values():
            mine = [voice.voice_id for voice in wanted if voice.engine == engine.name]
            if mine:
                await engine.warm(mine)

    def voice_name(self, prefix: str | None, preferred_name: str | None) -> str:
        """ "": the names of voices here are not for people."""
        return ""

    def check_cloning(self) -> None:
        """Raise `InvalidInput` with what to install."""
        self._pocket.check_cloning()

    def undeletable(self) -> str:
        """ "": a voice here is a file."""
        return ""

    async def create_voice(self, order: VoiceOrder) -> str:
        """Make a voice of a sample; raises `ProviderError(stage="tts")`."""
        return await self._pocket.create_voice(order)

    async def delete_voice(self, voice_id: str) -> None:
        """Delete the file of a cloned voice."""
        await self._pocket.delete_voice(voice_id)

    async def aclose(self) -> None:
        """End the engines; idempotent."""
        for engine in self._engines.values():
            await engine.aclose()

    def _wanted(self, name: str | None) -> Voice:
        """The voice that was asked for, else the default one."""
        known = self.voices()
        if not known:
            raise ProviderError(self.ready(), stage="tts", provider=self.name)
        if not name:
            return self._default(known)
        found = next((voice for voice in known if voice.voice_id == name), None)
        if found is None:
            raise InvalidInput(f"unknown voice {name!r}")
        return found

    def _cast(self, text: str, language: Language, wanted: Voice) -> Voice:
        def can_read(voice: Voice, read: str) -> bool:
            return self._engines[voice.engine].can_read(voice, read)

        speaker = cast(text, language, wanted, self.voices(), can_read)
        if speaker is None and (known := mostly_known(text)):
            speaker = cast(known, language, wanted, self.voices(), can_read)  # it leaves out the others
        if speaker is None and any(character.isascii() and character.isalnum() for character in text):
            speaker = wanted  # the same
        if speaker is None:
            raise ProviderError(self._cannot(text), stage="tts", provider=self.name)
        return speaker

    def _default(self, known: Sequence[Voice]) -> Voice:
        if known[0].source == "clone":  # nobody speaks as a person whom they were not asked to be
            raise ProviderError(self.ready(), stage="tts", provider=self.name)
        return known[0]

    def _cannot(self, text: str) -> str:
        if has_han(text) and (reason := self._kokoro.ready()):
            return f"Chinese needs the engine Kokoro: {reason}"
        return "no local voice speaks this language: the installed ones speak English and Chinese"
