"""The files of an offline bundle: film, silent film, sound, subtitles, metadata, and all of it as a ZIP."""

import json
import wave
import zipfile
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from opentalking.core.media import FPS, I420, MEDIA_RATE, Samples
from opentalking.media.movie import MovieWriter
from opentalking.media.provenance import Provenance
from opentalking.media.silent import silent_copy
from opentalking.media.webvtt import HEADER, Cue
from opentalking.services.exports.film import Line
from opentalking.services.exports.records import ARTIFACT_FILES, METADATA, SUBTITLES


class FilmFacts(BaseModel):
    """What the film is, for its metadata."""

    model_config = ConfigDict(frozen=True)

    session_id: str
    job_id: str
    avatar_id: str
    avatar_name: str
    model: str
    source: Literal["upload", "said"]
    created_at: datetime


class Artifacts:
    """Writes a film's files into `folder` as it is shot; blocking.

    `size` is width and height. Raises `OSError`.
    """

    def __init__(self, folder: Path, size: tuple[int, int], facts: FilmFacts) -> None:
        self._folder = folder
        self._facts = facts
        self._size = size
        self._frames = 0
        self._provenance = Provenance(facts.avatar_name, facts.created_at)
        self._open = ExitStack()
        with ExitStack() as opening:
            self._film = MovieWriter(self._path("bundle"), size, provenance=self._provenance)
            opening.callback(self._film.close)
            self._sound = opening.enter_context(wave.open(str(self._path("audio")), "wb"))
            self._sound.setparams((1, 2, MEDIA_RATE, 0, "NONE", "not compressed"))
            self._open = opening.pop_all()

    def write(self, frames: Sequence[I420], pcm: Samples) -> None:
        """Append pictures and exactly their sound."""
        self._film.write(frames, pcm)
        self._sound.writeframesraw(pcm.astype("<i2", copy=False).tobytes())
        self._frames += len(frames)

    def finish(self, lines: Sequence[Line]) -> None:
        """Complete the files, and put them all into the ZIP; `lines` become subtitles."""
        self.close()
        silent_copy(self._path("bundle"), self._path("video"), self._provenance)
        files = [ARTIFACT_FILES[name] for name in ("bundle", "audio", "video")]
        cues = "".join(_cue(line).as_vtt() for line in lines)
        if cues:
            (self._folder / SUBTITLES).write_text(HEADER + cues, encoding="utf-8")
            files.append(SUBTITLES)
        metadata = json.dumps(self._metadata(files), ensure_ascii=False, indent=2)
        (self._folder / METADATA).write_text(metadata + "\n", encoding="utf-8")
        # Stored as they are: sound and film would hardly shrink.
        with zipfile.ZipFile(self._path("zip"), "w") as archive:
            for name in [*files, METADATA]:
                archive.write(self._folder / name, name)

    def close(self) -> None:
        """Let go of the files, however far they came; idempotent."""
        self._open.close()

    def _path(self, artifact: Literal["bundle", "zip", "audio", "video"]) -> Path:
        return self._folder / ARTIFACT_FILES[artifact]

    def _metadata(self, files: list[str]) -> dict[str, Any]:
        width, height = self._size
        return {
            **self._facts.model_dump(mode="json"),
            "duration_ms": self._frames * 1000 // FPS,
            "frames": self._frames,
            "fps": FPS,
            "width": width,
            "height": height,
            "sample_rate": MEDIA_RATE,
            "files": files,
            "provenance": self._provenance.as_json(),
        }


def _cue(line: Line) -> Cue:
    return Cue(line.text, round(line.start_seconds * 1000), round(line.end_seconds * 1000))
