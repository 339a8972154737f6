"""Filming scenes with a face: pictures and sound in step, and what is said when."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from opentalking.core.media import FPS, I420, MEDIA_RATE, SAMPLES_PER_FRAME, Samples, Speech
from opentalking.core.providers import Face
from opentalking.media.said import end_after
from opentalking.services.exports.scenes import PAUSE_FRAMES, IdleFrames, Scene


class FilmSink(Protocol):
    """Where a film goes."""

    def write(self, frames: Sequence[I420], pcm: Samples) -> None:
        """Frames and exactly their sound; blocking."""
        ...


@dataclass(slots=True)
class Line:
    """A sentence of the film and when it sounds, in seconds from the film's start."""

    text: str
    start_seconds: float
    end_seconds: float


class Film:
    """Plays the scenes to the face and hands what it draws to the sink.

    While the face draws the next frames, a thread writes the last ones.
    """

    def __init__(self, face: Face, scenes: Sequence[Scene], sink: FilmSink, name: str) -> None:
        self.lines: list[Line] = []
        self.frames = 0
        self._face = face
        self._scenes = scenes
        self._sink = sink
        self._name = name
        self._idle = IdleFrames(face)
        self._writing: asyncio.Task[None] | None = None

    async def shoot(self) -> AsyncGenerator[float, None]:
        """Film everything; yields the share that is done, 0 to 1, with every few frames.

        When it has ended or was closed, the sink is not written to any more.
        """
        try:
            async with aclosing(self._shoot()) as shares:
                async for share in shares:
                    yield share
            await self._written()
        finally:
            if self._writing is not None:
                await asyncio.wait({self._writing})

    async def _shoot(self) -> AsyncGenerator[float, None]:
        pauses = max(0, len(self._scenes) - 1) * PAUSE_FRAMES
        expected = max(1, pauses + sum(scene.frames for scene in self._scenes))
        for number, scene in enumerate(self._scenes):
            if number:
                await self._pause()
                yield min(1.0, self.frames / expected)
            position = self.frames % self._idle.length if number else 0
            frames = self._face.render(self._speech(scene), f"{self._name}-{number}", position)
            async with aclosing(frames) as segments:
                async for segment in segments:
                    await self._write(segment.frames, segment.pcm)
                    yield min(1.0, self.frames / expected)

    async def _pause(self) -> None:
        silence = np.zeros(PAUSE_FRAMES * SAMPLES_PER_FRAME, np.int16)
        await self._write(self._idle.take(self.frames, PAUSE_FRAMES), silence)

    async def _write(self, frames: Sequence[I420], pcm: Samples) -> None:
        await self._written()
        self._writing = asyncio.create_task(asyncio.to_thread(self._sink.write, frames, pcm))
        self.frames += len(frames)

    async def _written(self) -> None:
        writing, self._writing = self._writing, None
        if writing is not None:
            await writing

    async def _speech(self, scene: Scene) -> AsyncIterator[Speech]:
        start_seconds, at_samples = self.frames / FPS, 0
        line: Line | None = None
        for piece in scene.pieces():
            at_seconds = start_seconds + at_samples / MEDIA_RATE
            if piece.begins_sentence:
                line = Line("", at_seconds, at_seconds)
                self.lines.append(line)
            if line is not None:
                line.text += piece.speech.text
                line.end_seconds = at_seconds + piece.speech.seconds
            at_samples = end_after(at_samples, piece.speech)
            yield piece.speech
