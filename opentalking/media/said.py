"""What a session has said, on disk: per turn `<name>.pcm` (48 kHz mono s16le) and `<name>.jsonl` (timings).

A line describes one piece of speech as the face got it; `start` counts samples from the turn's first one,
whole frames after each sentence as `Face.render` promises them. `turns.json` lists the turns of a folder
and how much of each was heard. Everything here blocks.
"""

import json
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, astuple, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from opentalking.core.media import MEDIA_RATE, SAMPLES_PER_FRAME, PhonemeTiming, Samples, Speech, WordTiming

_FADE_SAMPLES = MEDIA_RATE * 5 // 1000
"""Over 5 ms an interrupted voice goes silent, so that the cut does not click."""
_BYTES_PER_SAMPLE = 2


@dataclass(frozen=True, slots=True)
class SaidTurn:
    """One turn of a folder: the name of its files, and the samples of it that were heard."""

    name: str
    heard_samples: int


@dataclass(frozen=True, slots=True)
class SaidPiece:
    """A piece of speech, where it starts in its turn (samples), and whether a sentence begins with it."""

    speech: Speech
    start_samples: int
    begins_sentence: bool


def session_folder(root: Path, session_id: str) -> Path:
    """Where a running session keeps what it says."""
    return root / session_id / "said"


def job_folder(root: Path, session_id: str, job_id: str) -> Path:
    """Where the files of an offline job lie."""
    return root / session_id / "bundles" / job_id


def end_after(start_samples: int, speech: Speech) -> int:
    """Where the next piece starts: a sentence's last one is padded to a whole frame."""
    end = start_samples + len(speech.pcm)
    return end + (-end % SAMPLES_PER_FRAME if speech.ends_sentence else 0)


def append(folder: Path, name: str, piece: SaidPiece) -> None:
    """Add the turn's next piece; the folder is made when it is not there. Raises `OSError`."""
    folder.mkdir(parents=True, exist_ok=True)
    speech = piece.speech
    line: dict[str, Any] = {
        "start": piece.start_samples,
        "samples": len(speech.pcm),
        "begins": piece.begins_sentence,
        "ends": speech.ends_sentence,
        "text": speech.text,
        "emotion": speech.emotion,
        "phonemes": [astuple(timing) for timing in speech.phonemes],
        "words": [astuple(timing) for timing in speech.words],
    }
    with (folder / f"{name}.pcm").open("ab") as pcm:
        line["at"] = pcm.tell()
        pcm.write(speech.pcm.astype("<i2", copy=False).tobytes())
    with (folder / f"{name}.jsonl").open("a", encoding="utf-8") as lines:
        lines.write(json.dumps(line, ensure_ascii=False) + "\n")


def remove(folder: Path, name: str) -> None:
    """Delete a turn's files, if there are any."""
    for suffix in (".pcm", ".jsonl"):
        (folder / f"{name}{suffix}").unlink(missing_ok=True)


def copy_turns(source: Path, target: Path, turns: Sequence[SaidTurn]) -> None:
    """Give `target` turns of its own, which stay when those of `source` are deleted or grow.

    Links where the file system can, so that it takes no room and no time. Raises `OSError`.
    """
    target.mkdir(parents=True)
    for turn in turns:
        for suffix in (".pcm", ".jsonl"):
            _share(source / f"{turn.name}{suffix}", target / f"{turn.name}{suffix}")
    (target / "turns.json").write_text(json.dumps([asdict(turn) for turn in turns]), encoding="utf-8")


def _share(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def forget(folder: Path) -> None:
    """Delete a session's folder, and the one around it when nothing else is there."""
    shutil.rmtree(folder, ignore_errors=True)
    with suppress(OSError):
        folder.parent.rmdir()


def read_turns(folder: Path) -> list[SaidTurn]:
    """The turns that `copy_turns` put there, oldest first; raises `OSError`, `ValueError`."""
    listed = json.loads((folder / "turns.json").read_text(encoding="utf-8"))
    return [SaidTurn(**turn) for turn in listed]


def read_pieces(folder: Path, turn: SaidTurn) -> Iterator[SaidPiece]:
    """The pieces of a turn as far as they were heard; the last one is cut there, and ends its sentence."""
    with (
        (folder / f"{turn.name}.jsonl").open(encoding="utf-8") as lines,
        (folder / f"{turn.name}.pcm").open("rb") as sound,
    ):
        for text in lines:
            try:
                line = json.loads(text)
            except ValueError:  # a full disk cut it
                return
            if line["start"] >= turn.heard_samples:
                return
            sound.seek(line["at"])
            pcm = np.frombuffer(sound.read(line["samples"] * _BYTES_PER_SAMPLE), "<i2").astype(np.int16)
            if len(pcm) < line["samples"]:
                return
            piece = _piece(line, pcm)
            yield _cut(piece, turn.heard_samples - piece.start_samples)


def _piece(line: dict[str, Any], pcm: Samples) -> SaidPiece:
    speech = Speech(
        pcm,
        MEDIA_RATE,
        line["text"],
        tuple(PhonemeTiming(*timing) for timing in line["phonemes"]),
        tuple(WordTiming(*timing) for timing in line["words"]),
        ends_sentence=line["ends"],
        emotion=line["emotion"],
    )
    return SaidPiece(speech, line["start"], line["begins"])


def _cut(piece: SaidPiece, heard_samples: int) -> SaidPiece:
    speech = piece.speech
    if heard_samples >= len(speech.pcm):
        return piece
    pcm = speech.pcm[:heard_samples].copy()
    fade = min(_FADE_SAMPLES, heard_samples)
    pcm[heard_samples - fade :] = pcm[heard_samples - fade :] * np.linspace(1, 0, fade)
    seconds = heard_samples / MEDIA_RATE
    words = tuple(word for word in speech.words if word.end_seconds <= seconds)
    if speech.words:
        text = speech.text[: words[-1].text_end] if words else ""
    else:
        text = speech.text[: len(speech.text) * heard_samples // len(speech.pcm)]
    phonemes = tuple(
        replace(phoneme, end_seconds=min(phoneme.end_seconds, seconds))
        for phoneme in speech.phonemes
        if phoneme.start_seconds < seconds
    )
    cut = replace(speech, pcm=pcm, text=text, phonemes=phonemes, words=words, ends_sentence=True)
    return replace(piece, speech=cut)
