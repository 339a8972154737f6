"""The avatar bundle as the rest of the project sees it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class AvatarBundle:
    """A readable bundle on disk: `directory/manifest.json` and its pictures.

    `width`/`height` are the streamed size in pixels (even). `manifest` is the parsed file.
    `reference` is a picture file and `prompt` a text that a customisation puts in the place of the
    bundle's own; None and "" leave the bundle as it is.
    """

    id: str
    name: str
    model_type: str
    width: int
    height: int
    is_custom: bool
    directory: Path
    manifest: dict[str, Any] = field(default_factory=dict)
    reference: bytes | None = field(default=None, repr=False)
    prompt: str = field(default="", repr=False)

    @property
    def voices(self) -> Mapping[str, str]:
        """The avatar's own local voice by language ("en", "zh"): `metadata.voices`."""
        voices = self._metadata.get("voices")
        named = voices.items() if isinstance(voices, dict) else ()
        return {language: voice for language, voice in named if isinstance(voice, str) and voice}

    @property
    def persona_prompt(self) -> str:
        """What the chat model is told about the character, "" for nothing.

        The customised prompt, else `metadata.persona_prompt`.
        """
        if self.prompt:
            return self.prompt
        prompt = self._metadata.get("persona_prompt")
        return prompt.strip() if isinstance(prompt, str) else ""

    @property
    def hidden(self) -> bool:
        """Whether lists leave it out (`metadata.hidden`)."""
        return bool(self._metadata.get("hidden"))

    @property
    def _metadata(self) -> Mapping[str, Any]:
        metadata = self.manifest.get("metadata")
        return metadata if isinstance(metadata, dict) else {}
