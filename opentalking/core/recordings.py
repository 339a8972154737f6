"""Where recordings and bundles lie on disk."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

RecordingState = Literal["idle", "recording", "complete"]


@dataclass(frozen=True, slots=True)
class RecordingFiles:
    """The files of one session below the folder of recordings; `session_id` is one that a server made."""

    root: Path
    session_id: str

    @property
    def folder(self) -> Path:
        """Everything that the session has made."""
        return self.root / self.session_id

    @property
    def film(self) -> Path:
        """Picture and sound."""
        return self.folder / "recording.mp4"

    @property
    def subtitles(self) -> Path:
        """What was said in it."""
        return self.folder / "recording.vtt"

    @property
    def facts(self) -> Path:
        """Who recorded what and when, and that it is AI-generated."""
        return self.folder / "recording.json"

    @property
    def all(self) -> tuple[Path, Path, Path]:
        """The three files of a recording."""
        return self.film, self.subtitles, self.facts
