"""The Chinese and English voices: real Kokoro in its child process."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import pytest_asyncio

from opentalking.core.errors import ProviderError
from opentalking.core.media import Samples, Speech
from opentalking.inference.engines.kokoro_model import FRAME_SAMPLES, KokoroModel, Performance, read_styles
from opentalking.inference.onnx_split import cut
from opentalking.providers.tts.kokoro import VOICES_FOLDER
from opentalking.providers.tts.local import LocalSpeechConfig, LocalTextToSpeech
from tests.support.listen import Listener, character_error_rate, word_error_rate

pytestmark = pytest.mark.asyncio(loop_scope="module")

LONG = "然后我们沿着河边一直走到那座老磨坊，" * 12


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def voice(models_dir: Path) -> AsyncIterator[LocalTextToSpeech]:
    voice = LocalTextToSpeech(LocalSpeechConfig(models_dir, cache_bytes=0))
    await voice.warm(["zf_xiaoxiao", "af_heart"])
    yield voice
    await voice.aclose()


async def say(voice: LocalTextToSpeech, text: str, name: str) -> list[Speech]:
    async with aclosing(voice.speak(text, voice=name)) as pieces:
        return [piece async for piece in pieces]


def sound(pieces: Sequence[Speech]) -> Samples:
    return np.concatenate([piece.pcm for piece in pieces])


async def test_warming_up_loads_the_default_voice_too(voice: LocalTextToSpeech) -> None:
    assert voice.voices()[0].engine == "piper"
    assert voice.pid("piper")
    assert voice.pid("kokoro")


async def test_it_speaks_in_pieces_that_make_up_the_text(voice: LocalTextToSpeech) -> None:
    text = "你好，很高兴认识你！我在2024年开始用Python。"
    pieces = await say(voice, text, "zf_xiaoxiao")
    assert "".join(piece.text for piece in pieces) == text
    assert pieces[0].text == "你好，"
    assert [piece.ends_sentence for piece in pieces] == [False] * (len(pieces) - 1) + [True]
    assert {piece.sample_rate for piece in pieces} == {24_000}
    assert 3.0 < sum(piece.seconds for piece in pieces) < 7.0
    assert 0.05 < np.sqrt(np.mean(np.square(sound(pieces) / 32768))) < 0.25


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        (
            "am_michael",
            "Dr. Smith paid $25 in 1984, didn't he?",
            ["Dr", "Smith", "paid", "$25", "in", "1984", "didn't", "he"],
        ),
        ("zm_yunxi", "我有25%，用API。", ["我", "有", "25%", "用", "API"]),
    ],
)
async def test_timings_are_exact(voice: LocalTextToSpeech, name: str, text: str, words: list[str]) -> None:
    pieces = await say(voice, text, name)
    for piece in pieces:
        assert piece.phonemes[0].start_seconds == 0
        assert round(piece.phonemes[-1].end_seconds * piece.sample_rate) == len(piece.pcm)
        for before, after in pairwise(piece.phonemes):
            assert before.start_seconds < before.end_seconds == after.start_seconds
        for word in piece.words:
            assert piece.text[word.text_start : word.text_end] == word.text
        for earlier, later in pairwise(piece.words):
            assert earlier.start_seconds < earlier.end_seconds <= later.start_seconds
    assert [word.text for piece in pieces for word in piece.words] == words
    symbols = "".join(phoneme.symbol for piece in pieces for phoneme in piece.phonemes)
    assert not set(symbols) & set("ˈˌAIOWYTᵊ→↗↓↘ ,.?^$")


async def test_the_outlook_foretells_every_word(voice: LocalTextToSpeech) -> None:
    pieces = await say(voice, "今天天气很好，我们去公园散步吧。", "zf_xiaoxiao")
    assert len(pieces) == 2
    outlook = pieces[0].outlook
    assert outlook is not None
    at, told = 0.0, []
    for piece in pieces:
        told += [(word.text, word.start_seconds + at) for word in piece.words]
        at += piece.seconds
    assert [word.text for word in outlook.words] == [text for text, _ in told]
    assert [word.start_seconds for word in outlook.words] == pytest.approx([at for _, at in told], abs=1e-4)


async def test_there_is_little_silence_around_the_sound(voice: LocalTextToSpeech) -> None:
    for name, text in (("af_heart", "Apples are good."), ("zm_yunxi", "我在这里。")):
        pcm = np.abs(sound(await say(voice, text, name)).astype(np.int32))
        loud = np.flatnonzero(pcm > 0.006 * 32768)
        assert loud[0] <= 0.013 * 24_000
        assert len(pcm) - loud[-1] <= 0.125 * 24_000


async def test_words_sound_where_their_timing_says(voice: LocalTextToSpeech) -> None:
    # A loud sibilant between two pauses is easy to find in the sound.
    pieces = await say(voice, "No, see, no.", "af_heart")
    see = next(word for piece in pieces for word in piece.words if word.text == "see")
    offset = sum(piece.seconds for piece in pieces[: next(i for i, p in enumerate(pieces) if see in p.words)])
    high = np.abs(np.diff(sound(pieces).astype(np.int32)))
    loudest = int(np.argmax(np.convolve(high, np.ones(600), "same"))) / 24_000
    assert see.start_seconds + offset - 0.03 <= loudest <= see.end_seconds + offset + 0.03


async def test_a_closed_stream_stops_the_engine(voice: LocalTextToSpeech) -> None:
    for _ in range(2):
        async with aclosing(voice.speak(LONG, voice="zf_xiaoxiao")) as pieces:
            await anext(pieces)
    # Two unstopped texts would keep both places of the engine for a minute.
    async with asyncio.timeout(15):
        assert await say(voice, "好。", "zf_xiaoxiao")


@pytest.mark.parametrize("text", ["Pi is 3." + "1415926535" * 4 + " they say.", "A = b × c ="])
async def test_long_words_come_in_stretches_and_the_text_stays_whole(
    voice: LocalTextToSpeech, text: str
) -> None:
    pieces = await say(voice, text, "af_heart")
    assert "".join(piece.text for piece in pieces) == text
    assert max(piece.seconds for piece in pieces) < 8


async def test_a_word_longer_than_the_model_takes_is_spoken(voice: LocalTextToSpeech) -> None:
    async with aclosing(voice.speak("x" * 200, voice="af_heart")) as pieces:
        assert (await anext(pieces)).seconds > 1


async def test_what_nobody_can_say(voice: LocalTextToSpeech) -> None:
    for silent in ("", " \n", "。！", "🙂"):
        assert await say(voice, silent, "zf_xiaoxiao") == []
    with pytest.raises(ProviderError, match="English and Chinese"):
        await say(voice, "안녕하세요", "zf_xiaoxiao")


async def test_a_killed_engine_fails_the_speech_and_comes_back(models_dir: Path) -> None:
    voice = LocalTextToSpeech(LocalSpeechConfig(models_dir))
    async with aclosing(voice.speak(LONG, voice="zf_xiaoxiao")) as pieces:
        await anext(pieces)
        pid = voice.pid("kokoro")
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        with pytest.raises(ProviderError, match="ended") as caught:
            async for _ in pieces:
                pass
    assert caught.value.retryable
    assert await say(voice, "我又来了。", "zf_xiaoxiao")
    await voice.aclose()


async def test_a_stretch_begins_where_the_one_before_it_ended(models_dir: Path) -> None:
    model = KokoroModel(models_dir / "kokoro/kokoro-v1.0.int8.onnx", 1)
    plan = model.plan("həlˈO ðˈɛɹ, hˌW ˈɑɹ ju?", read_styles(VOICES_FOLDER / "af_heart.bin"), 1.0)
    ends = np.cumsum(plan.samples)
    whole = Performance(model, plan).pcm(0, plan.total_samples).astype(float)
    pieces = Performance(model, plan)
    joined = np.concatenate(
        [pieces.pcm(int(start), int(end)) for start, end in pairwise([0, ends[6], ends[12], ends[-1]])]
    ).astype(float)
    assert len(joined) == len(whole) == plan.total_samples

    def loudness(wave: np.ndarray[tuple[int], np.dtype[np.float64]]) -> list[float]:
        frames = wave.reshape(-1, FRAME_SAMPLES * 2)
        return [float(20 * np.log10(np.sqrt(np.mean(np.square(frame))) + 100)) for frame in frames]

    even = plan.total_samples // (FRAME_SAMPLES * 2) * FRAME_SAMPLES * 2
    differences = np.abs(np.subtract(loudness(joined[:even]), loudness(whole[:even])))
    assert np.mean(differences) < 3.0, "decibels"


async def test_a_model_is_cut_only_where_it_can_be(models_dir: Path) -> None:
    model = (models_dir / "kokoro/kokoro-v1.0.int8.onnx").read_bytes()
    with pytest.raises(ValueError, match="cannot be cut at /nowhere"):
        cut(model, ["/nowhere"])
    with pytest.raises(ValueError, match="cannot be cut"):
        cut(model, ["/encoder/Reshape_output_0"])


@pytest.mark.parametrize("name", ["af_heart", "am_michael"])
async def test_a_recogniser_understands_its_english(
    voice: LocalTextToSpeech, name: str, models_dir: Path
) -> None:
    sentences = [
        "The quick brown fox jumps over the lazy dog.",
        "Please open the window, because it is very warm in this room.",
        "I would like to order a cup of coffee and two slices of bread.",
    ]
    listener = Listener(models_dir / "whisper-base", threads=1)
    heard = [
        listener.transcribe(
            sound(await say(voice, text, name)).astype(np.float32) / np.float32(32768), 24_000
        )
        for text in sentences
    ]
    assert word_error_rate(sentences, heard) <= 0.1, heard


@pytest.mark.parametrize("name", ["zf_xiaoxiao", "zm_yunxi"])
async def test_a_recogniser_understands_its_chinese(
    voice: LocalTextToSpeech, name: str, models_dir: Path
) -> None:
    sentences = [
        "请问你需要什么帮助？我可以回答你的问题。",
        "如果明天下雨，我们就在家里休息。",
        "昨天晚上，我和朋友一起看了一部电影。",
    ]
    listener = Listener(models_dir / "whisper-base", threads=1)
    heard = [
        listener.transcribe(
            sound(await say(voice, text, name)).astype(np.float32) / np.float32(32768), 24_000, "zh"
        )
        for text in sentences
    ]
    assert character_error_rate(sentences, heard) <= 0.1, heard
