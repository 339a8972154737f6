"""The embedded voice: real Piper in its child process."""

import asyncio
import os
import re
import signal
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import pytest_asyncio
from faster_whisper import WhisperModel
from jiwer import wer

from opentalking.audio.resample import SpeechResampler, resample
from opentalking.core.errors import InvalidInput, ProviderError
from opentalking.core.media import MEDIA_RATE, Samples, Speech
from opentalking.core.providers import TextToSpeech
from opentalking.inference.engines.vits import Style, VitsModel
from opentalking.providers.tts.child_engine import ChildLimits
from opentalking.providers.tts.local import LocalSpeechConfig, LocalTextToSpeech
from opentalking.providers.tts.piper import PiperStyle

pytestmark = pytest.mark.asyncio(loop_scope="module")

TRICKY = "Dr. Smith paid $25.50 in 1984 for a friend of a friend, didn't he?"
LONG = "and then we walked along the river to the old mill, " * 20


def repeatable(models_dir: Path, max_parallel: int = 2, cache_bytes: int = 0) -> LocalSpeechConfig:
    return LocalSpeechConfig(
        models_dir,
        voice="en_US-joe-medium",
        piper=PiperStyle(noise_scale=0, noise_w_scale=0),
        piper_limits=ChildLimits(max_parallel=max_parallel),
        cache_bytes=cache_bytes,
    )


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def voice(models_dir: Path) -> AsyncIterator[LocalTextToSpeech]:
    voice = LocalTextToSpeech(repeatable(models_dir))
    await voice.warm()
    yield voice
    await voice.aclose()


async def say(voice: TextToSpeech, text: str) -> list[Speech]:
    async with aclosing(voice.speak(text)) as pieces:
        return [piece async for piece in pieces]


def sound(pieces: Sequence[Speech]) -> Samples:
    return np.concatenate([piece.pcm for piece in pieces])


async def test_it_speaks_in_pieces_that_make_up_the_text(voice: LocalTextToSpeech) -> None:
    assert isinstance(voice, TextToSpeech)
    assert voice.ready() == ""
    pieces = await say(voice, TRICKY)
    assert len(pieces) > 2
    assert "".join(piece.text for piece in pieces) == TRICKY
    assert [piece.ends_sentence for piece in pieces] == [False] * (len(pieces) - 1) + [True]
    assert {piece.sample_rate for piece in pieces} == {22050}
    assert pieces[0].seconds < 1.0
    assert 3.5 < sum(piece.seconds for piece in pieces) < 7.0
    loudness = np.sqrt(np.mean(np.square(sound(pieces) / 32768)))
    assert 0.05 < loudness < 0.25


async def test_phonemes_cover_each_piece_without_hole_or_overlap(voice: LocalTextToSpeech) -> None:
    pieces = await say(voice, TRICKY)
    for piece in pieces:
        assert piece.phonemes[0].start_seconds == 0
        assert piece.phonemes[-1].end_seconds == pytest.approx(piece.seconds)
        for before, after in pairwise(piece.phonemes):
            assert before.start_seconds < before.end_seconds == after.start_seconds
    symbols = [phoneme.symbol for piece in pieces for phoneme in piece.phonemes]
    assert not set("".join(symbols)) & set("ˈˌ^$_ .,?")
    assert "" in symbols


async def test_words_have_their_place_in_the_text_and_in_the_sound(voice: LocalTextToSpeech) -> None:
    pieces = await say(voice, TRICKY)
    words = [word for piece in pieces for word in piece.words]
    assert " ".join(word.text for word in words) == (
        "Dr Smith paid $25.50 in 1984 for a friend of a friend didn't he"
    )
    for piece in pieces:
        for word in piece.words:
            assert piece.text[word.text_start : word.text_end] == word.text
            assert 0 <= word.start_seconds < word.end_seconds <= piece.seconds + 0.001
        for before, after in pairwise(piece.words):
            assert before.end_seconds <= after.start_seconds
            assert before.text_end <= after.text_start
    length = {word.text: word.end_seconds - word.start_seconds for word in words}
    assert length["$25.50"] > 1.0 > length["paid"]
    assert length["1984"] > 0.8


async def test_words_sound_where_their_timing_says(voice: LocalTextToSpeech) -> None:
    # A loud sibilant between two pauses is easy to find in the sound.
    piece = await whole(voice, "No, see, no.")
    see = next(word for word in piece.words if word.text == "see")
    high = np.abs(np.diff(piece.pcm.astype(np.int32)))
    loudest = int(np.argmax(np.convolve(high, np.ones(600), "same"))) / piece.sample_rate
    assert see.start_seconds - 0.03 <= loudest <= see.end_seconds + 0.03


async def whole(voice: TextToSpeech, text: str) -> Speech:
    pieces = await say(voice, text)
    words = []
    base = 0.0
    for piece in pieces:
        words += [
            type(word)(
                word.text,
                word.text_start,
                word.text_end,
                word.start_seconds + base,
                word.end_seconds + base,
            )
            for word in piece.words
        ]
        base += piece.seconds
    return Speech(sound(pieces), pieces[0].sample_rate, text, words=tuple(words))


async def test_there_is_little_silence_around_the_sound(voice: LocalTextToSpeech) -> None:
    for text in ("Hello there.", "See you soon!", "Oh, how are you?"):
        pcm = np.abs(sound(await say(voice, text)).astype(np.int32))
        loud = np.flatnonzero(pcm > 0.006 * 32768)
        assert loud[0] <= 0.013 * 22050
        assert len(pcm) - loud[-1] <= 0.125 * 22050


async def test_without_noise_each_take_is_the_same(voice: LocalTextToSpeech) -> None:
    first, second = await say(voice, "Good morning, everyone."), await say(voice, "Good morning, everyone.")
    assert np.array_equal(sound(first), sound(second))


async def test_three_at_once_do_not_mix(voice: LocalTextToSpeech) -> None:
    texts = ["One two three.", "The weather is fine today.", "I would like some tea, please."]
    alone = [sound(await say(voice, text)) for text in texts]
    together = await asyncio.gather(*(say(voice, text) for text in texts))
    for text, expected, pieces in zip(texts, alone, together, strict=True):
        assert "".join(piece.text for piece in pieces) == text
        assert np.array_equal(sound(pieces), expected)


async def test_what_cannot_be_spoken(voice: LocalTextToSpeech) -> None:
    for silent in ("", "  \n", "... --- !?", "🙂"):
        assert await say(voice, silent) == []
    with pytest.raises(ProviderError, match="English"):
        await say(voice, "안녕하세요.")
    with pytest.raises(InvalidInput, match="unknown voice 'nobody'"):
        async for _ in voice.speak("Hello.", voice="nobody"):
            pass


async def test_it_knows_its_voices(voice: LocalTextToSpeech) -> None:
    first = voice.voices()[0]
    assert (first.voice_id, first.provider, first.language) == ("en_US-joe-medium", "local", "en-US")
    assert first.display_label == "Joe (en-US)"
    async with aclosing(voice.speak("Hello.", voice=first.voice_id)) as pieces:
        assert (await anext(pieces)).seconds > 0.2


async def test_a_closed_stream_stops_the_engine(models_dir: Path) -> None:
    voice = LocalTextToSpeech(repeatable(models_dir, max_parallel=1))
    await voice.warm()
    for _ in range(3):
        async with aclosing(voice.speak(LONG)) as pieces:
            await anext(pieces)
    started_at = time.monotonic()
    assert await say(voice, "Yes.")
    # Three unstopped texts of a minute each would take far longer.
    assert time.monotonic() - started_at < 3.0
    await voice.aclose()


async def test_a_killed_engine_fails_the_speech_and_comes_back(models_dir: Path) -> None:
    voice = LocalTextToSpeech(repeatable(models_dir))
    async with aclosing(voice.speak(LONG)) as pieces:
        await anext(pieces)
        pid = voice.pid("piper")
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        with pytest.raises(ProviderError, match="ended") as caught:
            async for _ in pieces:
                pass
    assert caught.value.retryable
    assert await say(voice, "Here I am again.")
    await voice.aclose()


async def test_a_repeated_phrase_comes_from_the_cache(models_dir: Path) -> None:
    voice = LocalTextToSpeech(LocalSpeechConfig(models_dir))
    first, second = await say(voice, "One moment, please."), await say(voice, "One moment, please.")
    assert np.array_equal(sound(first), sound(second))  # with noise, two takes would differ
    assert [piece.words for piece in first] == [piece.words for piece in second]
    await voice.aclose()


async def test_missing_and_damaged_weights_are_named(tmp_path: Path, models_dir: Path) -> None:
    voice = LocalTextToSpeech(LocalSpeechConfig(tmp_path))
    assert "weights_missing" in voice.ready()
    assert voice.voices() == []
    with pytest.raises(ProviderError, match="opentalking models pull"):
        await say(voice, "Hello.")
    await voice.aclose()

    (tmp_path / "piper").mkdir()
    model = "piper/en_US-joe-medium.onnx"
    (tmp_path / f"{model}.json").symlink_to(models_dir / f"{model}.json")
    with (tmp_path / model).open("wb") as damaged:
        damaged.truncate((models_dir / model).stat().st_size)
    voice = LocalTextToSpeech(LocalSpeechConfig(tmp_path))
    assert voice.ready() == ""  # instant: sizes only
    with pytest.raises(ProviderError, match="damaged"):
        await say(voice, "Hello.")
    await voice.aclose()


async def test_a_stretch_of_sound_is_what_the_whole_would_hold(models_dir: Path) -> None:
    model = VitsModel(models_dir / "piper/en_US-joe-medium.onnx", 256, 1)
    ids = [1, 0, *(symbol for phoneme in [20, 59, 24, 120, 27, 100] * 6 for symbol in (phoneme, 0)), 2]
    take = model.take(ids, Style())
    assert take.id_samples is not None
    assert take.id_samples.sum() == take.total_samples
    whole_take = take.pcm(0, take.total_samples).astype(int)
    for size in (4, 17, 40):
        starts = range(0, take.total_samples, size * 256)
        pieces = [take.pcm(at, min(at + size * 256, take.total_samples)) for at in starts]
        joined = np.concatenate(pieces).astype(int)
        assert len(joined) == len(whole_take) == take.total_samples
        assert np.abs(joined - whole_take).max() <= 10


async def test_a_recogniser_understands_it(voice: LocalTextToSpeech, models_dir: Path) -> None:
    sentences = [
        "The quick brown fox jumps over the lazy dog.",
        "Please open the window, because it is very warm in this room.",
        "I would like to order a cup of coffee and two slices of bread.",
    ]
    recogniser = WhisperModel(
        str(models_dir / "whisper-base"), device="cpu", compute_type="int8", cpu_threads=1
    )
    heard = []
    for sentence in sentences:
        resampler = SpeechResampler(MEDIA_RATE)
        pcm = resample(sound([resampler.feed(p) for p in await say(voice, sentence)]), MEDIA_RATE, 16_000)
        segments, _ = recogniser.transcribe(pcm.astype(np.float32) / 32768, language="en", beam_size=1)
        heard.append("".join(segment.text for segment in segments))
    assert wer([plain(s) for s in sentences], [plain(h) for h in heard]) <= 0.1


def plain(text: str) -> str:
    return " ".join(re.findall(r"[a-z']+", text.lower()))
