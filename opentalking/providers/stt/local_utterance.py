"""One utterance on its way through the embedded recogniser, while it is still spoken."""

import asyncio
import re
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass

from opentalking.audio.pauses import PauseCutter
from opentalking.audio.silence import is_silent
from opentalking.core.media import Samples
from opentalking.core.providers import RECOGNITION_RATE
from opentalking.providers.stt.local_decoder import Decoder, Heard, Stretch
from opentalking.text.captions import Caption

_PIECE_SECONDS = 12.0  # measured: fewer errors than with 28, and a fifth less work
_PIECES_AHEAD = 3
_CAPTION_SAMPLES = round(0.7 * RECOGNITION_RATE)
_CAPTION_SECONDS = 0.35
_CERTAIN_SHARE, _CERTAIN_SECONDS = 0.9, 1.0
"""Measured: of a second of speech, the language is never mistaken when it is this sure."""
_FULL_WIDTH = str.maketrans(",?!:;", "，？！：；")
_AFTER_HAN = re.compile(r"(?<=[\u4e00-\u9fff])[,?!:;]\s*")


class IncomingSound:
    """The sound of an utterance as it comes in, cut at pauses into pieces of at most 12 s.

    `read` takes it without waiting for whoever works on it, as long as fewer than three pieces lie there;
    then the sound waits. `on_urgent` is called when there is something that should be worked on at once.
    """

    def __init__(self, audio: AsyncIterator[Samples], on_urgent: Callable[[], None]) -> None:
        self._audio = audio
        self._on_urgent = on_urgent
        self._cutter = PauseCutter(RECOGNITION_RATE, _PIECE_SECONDS)
        self._pieces: deque[Samples] = deque()
        self._changed = asyncio.Event()
        self._room = asyncio.Event()
        self.rest_samples = 0
        """Length of what is in no piece yet."""
        self.cuts = 0
        """How many pieces there were."""
        self.has_paused = False
        """Whether the speaker pauses, and nobody has taken the sound up to there."""
        self.is_over = False

    async def read(self) -> None:
        """Take the sound until its end; raises what it fails with."""
        try:
            async for pcm in self._audio:
                while len(self._pieces) >= _PIECES_AHEAD:
                    self._room.clear()
                    await self._room.wait()
                self._take(pcm)
        finally:
            self.is_over = True
            self._on_urgent()
            self._changed.set()

    @property
    def has_piece(self) -> bool:
        """Whether a whole piece waits."""
        return bool(self._pieces)

    def take_piece(self) -> Samples:
        """The oldest whole piece."""
        self._room.set()
        return self._pieces.popleft()

    def rest(self) -> Samples:
        """What is in no piece yet; a pause is thereby taken, too."""
        self.has_paused = False
        return self._cutter.rest()

    async def change(self, within_seconds: float | None) -> None:
        """Wait until more has come, at most so long."""
        self._changed.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(within_seconds):
                await self._changed.wait()

    def _take(self, pcm: Samples) -> None:
        if len(pcm):
            pieces = self._cutter.feed(pcm)
            self._pieces.extend(pieces)
            self.cuts += len(pieces)
            self.rest_samples += len(pcm) - sum(map(len, pieces))
        else:
            pieces = []
            self.has_paused = True
        if pieces or self.has_paused:
            self._on_urgent()
        self._changed.set()


@dataclass(frozen=True, slots=True)
class _Known:
    """The words of the first `samples` of what is in no piece yet, and their language."""

    samples: int = 0
    text: str = ""
    language: str = ""


class Utterance:
    """Hears an utterance step by step: first the pieces that are whole, then a pause, then captions."""

    def __init__(self, sound: IncomingSound, decoder: Decoder, languages: tuple[str, ...]) -> None:
        self._sound = sound
        self._decoder = decoder
        self._languages = languages
        self._texts: list[str] = []
        self._known = _Known()
        self._caption = Caption()
        self._caption_samples = 0
        self._caption_at = asyncio.get_running_loop().time()
        self._is_let_in = False
        self.is_complete = False
        """Whether `text` is all that was said."""

    @property
    def text(self) -> str:
        """The words so far."""
        language = self._known.language or self._languages[0]
        return _joined([*self._texts, self._known.text], language)

    async def advance(self) -> str | None:
        """Do what is most urgent, or wait; the caption if there is news. Raises what decoding fails with."""
        if self._sound.has_piece:
            await self._finish_piece()
            return None
        if self._sound.is_over:
            await self._finish()
            return None
        if self._sound.has_paused:
            return await self._prepare()
        due_in = self._caption_due_in()
        if due_in == 0:
            return await self._hear_meanwhile()
        await self._sound.change(due_in)
        return None

    async def _finish_piece(self) -> None:
        heard = await self._answer(self._sound.take_piece())
        if heard.text:
            self._texts.append(heard.text)
            self._languages = (heard.language,)
        self._known, self._caption_samples = _Known(), 0

    async def _prepare(self) -> str:
        """The speaker pauses: hear all, since it may be."""
        await self._hear_rest()
        return self._caption.hear(self.text, to_pause=True)

    async def _finish(self) -> None:
        await self._hear_rest()
        self.is_complete = True

    async def _hear_rest(self) -> None:
        cuts, rest = self._sound.cuts, self._sound.rest()
        if is_silent(rest[self._known.samples :], RECOGNITION_RATE):
            return
        heard = await self._answer(rest, self._known.samples)
        self._learn(heard, cuts, rest)

    async def _hear_meanwhile(self) -> str | None:
        cuts, rest = self._sound.cuts, self._sound.rest()
        heard = await self._decoder.casual(Stretch(rest, self._languages, self._known.samples))
        if heard is None or not self._learn(heard, cuts, rest):
            return None
        # A language that is still in doubt would show words that the next hearing takes back.
        return self._caption.hear(self.text) if len(self._languages) == 1 else None

    async def _answer(self, pcm: Samples, known_samples: int = 0) -> Heard:
        stretch = Stretch(pcm, self._languages, known_samples)
        heard = await self._decoder.urgent(stretch, is_let_in=self._is_let_in)
        self._is_let_in = True
        return heard

    def _learn(self, heard: Heard, cuts: int, rest: Samples) -> bool:
        """Remember what was heard of `rest`; whether that is of use: not when it was cut meanwhile."""
        self._caption_at = asyncio.get_running_loop().time()
        if cuts != self._sound.cuts:
            return False
        self._caption_samples = len(rest)
        words = (heard.text, heard.language) if heard.is_new else (self._known.text, self._known.language)
        self._known = _Known(len(rest), *words)
        if heard.share >= _CERTAIN_SHARE and heard.speech_seconds >= _CERTAIN_SECONDS:
            self._languages = (heard.language,)
        return True

    def _caption_due_in(self) -> float | None:
        """Seconds until a caption is due, 0 now; None: not before more sound has come."""
        free_in = self._decoder.free_in
        if free_in is None or self._sound.rest_samples - self._caption_samples < _CAPTION_SAMPLES:
            return None
        due_at = self._caption_at + _CAPTION_SECONDS  # a recording that is read at once needs no caption
        return max(0.0, free_in, due_at - asyncio.get_running_loop().time())


def _joined(texts: list[str], language: str) -> str:
    if language != "zh":
        return " ".join(filter(None, texts))
    return _AFTER_HAN.sub(lambda sign: sign[0].strip().translate(_FULL_WIDTH), "".join(texts))
