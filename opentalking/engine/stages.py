"""The five stages of a turn: generate ▸ split ▸ speak ▸ render ▸ play, joined by bounded streams."""

import dataclasses
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing

from opentalking.audio.resample import SpeechResampler
from opentalking.core.conversation import Emotion, Message
from opentalking.core.errors import InvalidInput, ProviderError
from opentalking.core.media import MEDIA_RATE, Mark, Speech
from opentalking.core.providers import ChatModel, Face
from opentalking.engine.captions import Captions
from opentalking.engine.report import TurnReport
from opentalking.engine.streams import Stream
from opentalking.engine.voice import TurnVoice
from opentalking.media.output import MediaOutput
from opentalking.text.cues import Cues, Expressed
from opentalking.text.emotion import EmotionTrack
from opentalking.text.sanitize import SpeakableStream
from opentalking.text.splitter import Sentence, SentenceSplitter, SplitterLimits

LIMITS = SplitterLimits(max_characters=150)
"""Of a piece: about as much as a voice engine plans in one go, so that captions know all its words."""


class SpeechFailed(Exception):
    """The turn cannot go on speaking; its errors are reported already."""


async def generate(
    model: ChatModel, messages: Sequence[Message], report: TurnReport, outbox: Stream[Expressed]
) -> str:
    """Stream the model's answer into `outbox`; the whole answer, without tags and stage directions."""
    answer: list[str] = []
    cues = Cues()

    async def tell(parts: Sequence[Expressed]) -> None:
        for part in parts:
            answer.append(part.text)
            if part.text:
                report.llm(part.text)
            await outbox.put(part)

    async with aclosing(model.reply(messages)) as deltas:
        async for delta in deltas:
            await tell(cues.feed(delta.text))
    await tell(cues.flush())
    outbox.close()
    return "".join(answer)


async def split(inbox: AsyncIterator[Expressed], outbox: Stream[Sentence], emotion: Emotion) -> None:
    """Cut a stream of text into sentences, as soon as each is sure; `emotion` is that of the first ones."""
    splitter = SentenceSplitter(LIMITS)
    track = EmotionTrack(emotion)
    async for part in inbox:
        track.add(part)
        for sentence in splitter.feed(part.text):
            await outbox.put(track.felt(sentence))
    for sentence in splitter.flush():
        await outbox.put(track.felt(sentence))
    outbox.close()


class Speaker:
    """The speak stage: sentences become sound at `MEDIA_RATE`, with marks at their starts.

    One failed sentence is reported and left out; two in a row end the turn, and so does a
    turn of which nothing could be spoken.
    """

    def __init__(self, voice: TurnVoice, report: TurnReport, captions: Captions) -> None:
        self._voice = voice
        self._report = report
        self._captions = captions
        self._failures_in_a_row = 0
        self._failed = False
        self.latest_index = -1
        """The sentence that was begun last."""

    async def run(self, inbox: AsyncIterator[Sentence], outbox: Stream[Speech]) -> None:
        """Speak every sentence; raises `SpeechFailed`."""
        cleaner = SpeakableStream()
        async for sentence in inbox:
            spoken = cleaner.feed(sentence.text)
            if not spoken:
                self._captions.silent(sentence.text)
                continue
            self.latest_index += 1
            await self._sentence(self.latest_index, sentence, spoken, outbox)
        if self._failed and not self._captions.any_sound:
            raise SpeechFailed
        outbox.close()

    async def _sentence(self, index: int, sentence: Sentence, spoken: str, outbox: Stream[Speech]) -> None:
        self._report.tts("start", index)
        try:
            await self._speak(index, sentence, spoken, outbox)
        except (ProviderError, InvalidInput) as error:
            self._report.error(error, code="tts_failed")
            self._failed = True
            self._failures_in_a_row += 1
            if self._failures_in_a_row == 2:
                raise SpeechFailed from error
        else:
            self._failures_in_a_row = 0
            self._report.tts("complete", index)

    async def _speak(self, index: int, sentence: Sentence, spoken: str, outbox: Stream[Speech]) -> None:
        first = True
        resampler = SpeechResampler(MEDIA_RATE)
        async with aclosing(self._voice.speak(spoken)) as pieces:
            async for piece in pieces:
                if not len(piece.pcm) and (first or not piece.ends_sentence):
                    continue  # an end without sound still frees what resampler and face hold back
                speech = dataclasses.replace(resampler.feed(piece), emotion=sentence.emotion)
                if first:
                    self._report.tts("first_audio", index)
                    speech = dataclasses.replace(speech, marks=(Mark("sentence_start", index, 0),))
                self._captions.add(index, sentence.text if first else "", speech)
                first = False
                await outbox.put(speech)
        if first:
            self._captions.silent(sentence.text)


async def render_and_play(
    face: Face, speech: AsyncIterator[Speech], output: MediaOutput, turn_id: str
) -> None:
    """Draw the face to the sound and hand both to the output, which holds back when far enough ahead."""
    first = await anext(speech, None)
    if first is not None:
        # The head goes on from where the idle loop is now, not from where it was when the turn began.
        frames = face.render(_beginning_with(first, speech), turn_id, output.idle_position)
        async with aclosing(frames) as segments:
            async for segment in segments:
                await output.put(segment)
    output.end(turn_id)


async def _beginning_with(first: Speech, rest: AsyncIterator[Speech]) -> AsyncIterator[Speech]:
    yield first
    async for piece in rest:
        yield piece
