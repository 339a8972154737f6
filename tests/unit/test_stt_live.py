"""The embedded recogniser while somebody still speaks: captions, pauses, and who comes first."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from pathlib import Path

import numpy as np
import pytest
import pytest_asyncio

from opentalking.core.conversation import Transcript
from opentalking.core.errors import Conflict
from opentalking.core.media import Samples
from opentalking.core.providers import VAD_FRAME_SAMPLES
from opentalking.inference.host import InferenceProcess, ProcessConfig
from opentalking.providers.stt.local import LocalRecognitionConfig, LocalSpeechToText
from opentalking.providers.stt.local_decoder import Decoder, Stretch
from tests.support.human import readings
from tests.support.listen import word_error_rate

pytestmark = pytest.mark.asyncio(loop_scope="module")

RATE = 16_000
PAUSE = np.zeros(0, np.int16)
WORDS = [words for _, words in readings()]
AMIABLE = "He might even have been made amiable himself"


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def ears(models_dir: Path) -> AsyncIterator[LocalSpeechToText]:
    ears = LocalSpeechToText(LocalRecognitionConfig(models_dir, threads=2))
    await ears.warm()
    yield ears
    await ears.aclose()


def room(seconds: float) -> Samples:
    """A quiet room, not a silent one: about −50 dB."""
    random = np.random.default_rng(4)
    return (100 * random.standard_normal(round(seconds * RATE))).astype(np.int16)


def sentences() -> list[Samples]:
    """What a reader says, each with a fifth of a second of pause behind it."""
    return [np.concatenate([pcm, room(0.2)]) for pcm, _ in readings()]


def in_pieces(pcm: Samples, samples: int = 320) -> list[Samples]:
    return [pcm[start : start + samples] for start in range(0, len(pcm), samples)]


class Speaker:
    """Feeds a recogniser and keeps what it tells; goes on with the next sound when asked."""

    def __init__(self, ears: LocalSpeechToText, language: str | None = None) -> None:
        self.ears = ears
        self.told: list[Transcript] = []
        self.language = language
        self._sound: asyncio.Queue[Samples | None] = asyncio.Queue()
        self._news = asyncio.Event()
        self._hearing: asyncio.Task[None] | None = None

    async def __aenter__(self) -> "Speaker":
        self._hearing = asyncio.create_task(self._hear())
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._hearing is not None
        self._hearing.cancel()
        await asyncio.wait({self._hearing})

    def say(self, *sounds: Samples) -> None:
        for sound in sounds:
            for piece in in_pieces(sound) or [sound]:
                self._sound.put_nowait(piece)

    async def news(self) -> str:
        """The next transcript."""
        async with asyncio.timeout(30):
            await self._news.wait()
        self._news.clear()
        return self.told[-1].text

    async def end(self) -> str:
        """No more sound; the final transcript."""
        self._sound.put_nowait(None)
        assert self._hearing is not None
        async with asyncio.timeout(30):
            await self._hearing
        assert [transcript.is_final for transcript in self.told] == [False] * (len(self.told) - 1) + [True]
        return self.told[-1].text

    async def _hear(self) -> None:
        async with aclosing(self.ears.transcribe(self._pieces(), self.language)) as transcripts:
            async for transcript in transcripts:
                self.told.append(transcript)
                self._news.set()

    async def _pieces(self) -> AsyncGenerator[Samples, None]:
        while (piece := await self._sound.get()) is not None:
            yield piece


async def test_words_are_shown_while_they_are_spoken_and_are_there_when_the_speaker_ends(
    ears: LocalSpeechToText,
) -> None:
    pcm = sentences()[4]
    async with Speaker(ears) as speaker:
        speaker.say(pcm[: round(1.4 * RATE)])
        await speaker.news()
        speaker.say(pcm[round(1.4 * RATE) : round(2.6 * RATE)])
        await speaker.news()
        assert all(told.text and told.text in f"{AMIABLE}." for told in speaker.told), speaker.told
        speaker.say(pcm[round(2.6 * RATE) :], PAUSE)
        prepared = await speaker.news()
        decoded = ears.decoded
        speaker.say(room(0.6))
        assert await speaker.end() == prepared
        assert ears.decoded == decoded, "nothing was heard again"
    assert word_error_rate([AMIABLE], [prepared]) == 0


async def test_silence_after_a_pause_asks_nobody(models_dir: Path) -> None:
    ears = LocalSpeechToText(LocalRecognitionConfig(models_dir, threads=2))
    async with Speaker(ears) as speaker:
        speaker.say(sentences()[4], PAUSE)
        prepared = await speaker.news()
        await ears.aclose()  # there is nobody left to ask
        speaker.say(np.zeros(RATE, np.int16))
        assert await speaker.end() == prepared


async def test_who_goes_on_after_a_pause_is_heard_to_the_end(ears: LocalSpeechToText) -> None:
    first, second = sentences()[1], sentences()[4]
    async with Speaker(ears) as speaker:
        speaker.say(first, PAUSE)
        assert "young man" in await speaker.news()
        speaker.say(room(0.3), second, PAUSE, room(0.3), PAUSE, room(0.5))
        text = await speaker.end()
    expected = f"he was not an ill disposed young man {AMIABLE}"
    assert word_error_rate([expected], [text.replace("-", " ")]) <= 0.15, text


async def test_sound_is_taken_while_the_engine_works(ears: LocalSpeechToText) -> None:
    before = ears.decoded
    decoded_at_end: list[int] = []

    async def spoken() -> AsyncGenerator[Samples, None]:
        yield sentences()[0]
        yield PAUSE
        for piece in in_pieces(sentences()[4]):
            await asyncio.sleep(0)  # the engine is asked meanwhile, and cannot have answered
            yield piece
        decoded_at_end.append(ears.decoded)

    async with aclosing(ears.transcribe(spoken())) as transcripts:
        last = [transcript async for transcript in transcripts][-1]
    assert decoded_at_end == [before]
    assert "amiable" in last.text


async def test_who_stops_listening_in_the_middle_leaves_the_engine_to_others(ears: LocalSpeechToText) -> None:
    pid = ears.pid
    async with Speaker(ears) as speaker:
        speaker.say(sentences()[0])
        await speaker.news()
        speaker.say(sentences()[3], PAUSE)
    async with Speaker(ears) as speaker:
        speaker.say(sentences()[4], PAUSE)
        assert "amiable" in await speaker.end()
    assert ears.pid == pid


async def test_sound_that_breaks_off_ends_the_recognition(ears: LocalSpeechToText) -> None:
    async def breaking() -> AsyncGenerator[Samples, None]:
        yield sentences()[4]
        raise Conflict("the sound broke off")

    with pytest.raises(Conflict, match="broke off"):
        async with aclosing(ears.transcribe(breaking())) as transcripts:
            assert [transcript async for transcript in transcripts] == []


async def test_a_pause_before_any_sound_and_no_sound_at_all_give_no_words(ears: LocalSpeechToText) -> None:
    async with Speaker(ears) as speaker:
        speaker.say(PAUSE, room(1.0), PAUSE, room(0.4))
        assert await speaker.end() == ""
    assert [told.text for told in speaker.told] == [""]


async def test_a_language_that_is_named_is_what_is_heard(ears: LocalSpeechToText) -> None:
    async with Speaker(ears, "zh") as speaker:
        speaker.say(sentences()[4])
        assert not (await speaker.end()).isascii()
    async with Speaker(ears, "en") as speaker:
        speaker.say(sentences()[4])
        assert "amiable" in await speaker.end()


@pytest.mark.parametrize("decibels", [20, 10])
async def test_words_in_noise_are_still_understood(ears: LocalSpeechToText, decibels: int) -> None:
    random = np.random.default_rng(5)
    heard = []
    for pcm in sentences():
        level = np.sqrt(np.mean(np.square(pcm.astype(np.float64)))) / 10 ** (decibels / 20)
        noisy = np.clip(pcm + level * random.standard_normal(len(pcm)), -32768, 32767).astype(np.int16)
        async with Speaker(ears) as speaker:
            speaker.say(noisy)
            heard.append(await speaker.end())
    assert word_error_rate(WORDS, heard) <= 0.15, heard


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def engine(models_dir: Path) -> AsyncIterator[InferenceProcess]:
    process = InferenceProcess(
        ProcessConfig(
            module="opentalking.inference.engines.whisper",
            stage="stt",
            provider="local",
            settings={"model": str(models_dir / "whisper-base"), "threads": 2},
        )
    )
    await process.start()
    yield process
    await process.aclose()


async def test_an_answer_comes_before_a_caption(engine: InferenceProcess) -> None:
    decoder = Decoder(engine, max_waiting=2)
    long = Stretch(np.concatenate(sentences())[: 12 * RATE], ("en",))
    caption = asyncio.create_task(decoder.casual(long))
    await asyncio.sleep(0)
    assert decoder.free_in is None
    heard = await decoder.urgent(Stretch(sentences()[4], ("en",)), is_let_in=False)
    assert "amiable" in heard.text
    assert await caption is None, "it gave way"
    assert await decoder.casual(Stretch(sentences()[4], ("en",)))
    assert decoder.free_in, "captions leave the engine to others for a while"


async def test_a_caption_that_is_given_up_twice_keeps_none_from_the_next(engine: InferenceProcess) -> None:
    decoder = Decoder(engine, max_waiting=2)
    stretch = Stretch(sentences()[0], ("en",))
    caption = asyncio.create_task(decoder.casual(stretch))
    await asyncio.wait({caption}, timeout=0.05)
    assert decoder.free_in is None
    for _ in range(3):
        caption.cancel()
        await asyncio.wait({caption}, timeout=0)
    await asyncio.wait({caption})
    assert await decoder.urgent(stretch, is_let_in=True)
    async with asyncio.timeout(30):
        while (wait := decoder.free_in) != 0:
            assert wait is not None, "nobody works on a caption any more"
            await asyncio.sleep(wait)
    assert await decoder.casual(stretch)


async def test_who_is_known_not_to_speak_on_is_not_heard_again(engine: InferenceProcess) -> None:
    decoder = Decoder(engine, max_waiting=2)
    pcm = sentences()[4]
    for tail, is_new in ((room(1.0), False), (sentences()[1], True)):
        stretch = Stretch(np.concatenate([pcm, tail]), ("en",), known_samples=len(pcm))
        assert (await decoder.urgent(stretch, is_let_in=True)).is_new is is_new
    until = 47 * VAD_FRAME_SAMPLES
    half_a_word = Stretch(np.concatenate([pcm[:until], room(0.5)]), ("en",), known_samples=until)
    assert (await decoder.urgent(half_a_word, is_let_in=True)).is_new, "its end may follow, very softly"
    assert decoder.decoded == 2
