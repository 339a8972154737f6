"""The engine Piper behind the provider `local`: fast English voices."""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from pathlib import Path

from opentalking.core.conversation import Gender, Voice
from opentalking.core.media import Speech
from opentalking.inference import models
from opentalking.inference.spoken import has_wide
from opentalking.providers.tts.child_engine import PROVIDER, ChildEngine, ChildLimits, Needs
from opentalking.text.language import Language

JOE = "en_US-joe-medium"
_CATALOGUED = {JOE: ("piper-joe", "piper-joe-config")}
_GENDERS: dict[str, Gender] = {JOE: "male"}
_LICENCES = {JOE: "CC0-1.0 (data set); engine GPL-3.0-or-later"}


@dataclass(frozen=True, slots=True)
class PiperStyle:
    """How Piper speaks.

    `length_scale` above 1 is slower; `noise_scale` and `noise_w_scale` are the random variation of
    sound and of durations (0: every take is the same). The first piece of a sentence lasts at least
    `first_piece_seconds`: less is heard earlier, more leaves a busy machine time for the next one.
    """

    length_scale: float = 1.0
    noise_scale: float = 0.667
    noise_w_scale: float = 0.8
    first_piece_seconds: float = 0.25


class PiperEngine(ChildEngine):
    """The voices in `<models_directory>/piper`."""

    name = "piper"

    def __init__(self, models_directory: Path, voice: str, style: PiperStyle, limits: ChildLimits) -> None:
        self._folder = models_directory / "piper"
        self._voice = voice
        self._style = style
        super().__init__(
            "opentalking.inference.engines.piper",
            Needs(("piper",), _CATALOGUED.get(voice, ()), "pip install 'opentalking[piper]'"),
            models_directory,
            {"directory": str(self._folder), "voice": voice, "first_seconds": style.first_piece_seconds},
            limits,
        )

    def ready(self) -> str:
        """ "" when it can speak, else `package_missing` or `weights_missing` and the remedy; instant."""
        reason = super().ready()
        if not reason and not self._present(self._voice):
            return f"weights_missing: {self._needs.files_remedy}"
        return reason

    def voices(self) -> Sequence[Voice]:
        """The voices on disk, the default one first."""
        names = sorted(path.name.removesuffix(".onnx") for path in self._folder.glob("*.onnx"))
        names.sort(key=lambda name: name != self._voice)
        return [_describe(name) for name in names if self._present(name)]

    def can_read(self, voice: Voice, text: str) -> bool:
        """Whether the text has no Chinese, Japanese or Korean characters."""
        return not has_wide(text)

    async def speak(self, text: str, voice: str, language: Language) -> AsyncGenerator[Speech, None]:
        """Speak `text`, a few words at a time; a voice has its own language."""
        payload = {
            "voice": voice,
            "length_scale": self._style.length_scale,
            "noise_scale": self._style.noise_scale,
            "noise_w_scale": self._style.noise_w_scale,
        }
        async for piece in self.request(text, payload):
            yield piece

    async def warm(self, voices: Sequence[str]) -> None:
        """Load the engine, which speaks something with its default voice."""
        await self.start()

    def _present(self, voice: str) -> bool:
        if voice in _CATALOGUED:
            directory = self._folder.parent
            return all(models.present(directory, file_id) for file_id in _CATALOGUED[voice])
        model = self._folder / f"{voice}.onnx"
        return model.is_file() and model.with_name(model.name + ".json").is_file()


def _describe(name: str) -> Voice:
    """A voice by its file's name, which is `<language>_<REGION>-<name>-<quality>`."""
    language, _, rest = name.partition("-")
    person = rest.partition("-")[0] or name
    tag = language.replace("_", "-")
    return Voice(
        voice_id=name,
        display_label=f"{person.replace('_', ' ').title()} ({tag})",
        provider=PROVIDER,
        language=tag,
        gender=_GENDERS.get(name, ""),
        engine=PiperEngine.name,
        licence=_LICENCES.get(name, ""),
    )
