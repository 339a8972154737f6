"""The engine Kokoro behind the provider `local`: Chinese and English voices."""

from collections.abc import AsyncGenerator, Sequence
from pathlib import Path

import opentalking
from opentalking.core.conversation import Gender, Voice
from opentalking.core.media import Speech
from opentalking.inference import models
from opentalking.providers.tts.child_engine import PROVIDER, ChildEngine, ChildLimits, Needs
from opentalking.text.language import Language, is_chinese_or_latin

VOICES_FOLDER = Path(opentalking.__file__).parent / "assets" / "voices" / "kokoro"
"""Where the shipped voices lie."""
_FILES = ("kokoro", "english-gold", "english-silver")


def _voice(name: str, person: str, language: str, gender: Gender) -> Voice:
    return Voice(
        voice_id=name,
        display_label=f"{person} ({language})",
        provider=PROVIDER,
        language=language,
        gender=gender,
        engine="kokoro",
        licence="Apache-2.0",
    )


VOICES = (
    _voice("af_heart", "Heart", "en-US", "female"),
    _voice("am_michael", "Michael", "en-US", "male"),
    _voice("zf_xiaoxiao", "Xiaoxiao", "zh-CN", "female"),
    _voice("zm_yunxi", "Yunxi", "zh-CN", "male"),
)


class KokoroEngine(ChildEngine):
    """The four voices that are shipped; they all read both languages, with an accent in the other one."""

    name = "kokoro"

    def __init__(
        self, models_directory: Path, speed: float, first_piece_seconds: float, limits: ChildLimits
    ) -> None:
        self._speed = speed
        model, gold, silver = (str(models.path(models_directory, file_id)) for file_id in _FILES)
        super().__init__(
            "opentalking.inference.engines.kokoro",
            Needs(("onnxruntime", "rjieba", "pypinyin"), _FILES, "pip install 'opentalking[local]'"),
            models_directory,
            {
                "model": model,
                "gold": gold,
                "silver": silver,
                "voices": str(VOICES_FOLDER),
                "first_seconds": first_piece_seconds,
            },
            limits,
        )

    def voices(self) -> Sequence[Voice]:
        """Its voices, if the model is there."""
        return () if self.ready() else VOICES

    def can_read(self, voice: Voice, text: str) -> bool:
        """Whether the text is Chinese or in Latin letters: each voice reads both."""
        return is_chinese_or_latin(text)

    async def speak(self, text: str, voice: str, language: Language) -> AsyncGenerator[Speech, None]:
        """Speak `text` in stretches between pauses; numbers are read in `language`."""
        payload = {"voice": voice, "language": language, "speed": self._speed}
        async for piece in self.request(text, payload):
            yield piece

    async def warm(self, voices: Sequence[str]) -> None:
        """Load the engine and speak a word with each of these voices."""
        await self.start()
        for voice in voices:
            language: Language = "zh" if voice.startswith("z") else "en"
            async for _ in self.speak("你好。" if language == "zh" else "Hello.", voice, language):
                pass
