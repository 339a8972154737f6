"""The avatar bundle as the rest of the project sees it."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class AvatarBundle:
    """A readable bundle on disk: `directory/manifest.json` and its pictures.

    `width`/`height` are the streamed size in pixels (even). `manifest` is the parsed file.
    """

    id: str
    name: str
    model_type: str
    width: int
    height: int
    is_custom: bool
    directory: Path
    manifest: dict[str, Any] = field(default_factory=dict)

    @property
    def hidden(self) -> bool:
        """Whether lists leave it out (`metadata.hidden`)."""
        metadata = self.manifest.get("metadata")
        return isinstance(metadata, dict) and bool(metadata.get("hidden"))
