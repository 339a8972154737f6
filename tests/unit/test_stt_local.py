"""The embedded recogniser: real Whisper in its child process, on people's and our own voices."""

import asyncio
import os
import signal
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from pathlib import Path

import numpy as np
import psutil
import pytest
import pytest_asyncio

from opentalking.audio.resample import resample
from opentalking.core.errors import InvalidInput, ProviderError, TooMany
from opentalking.core.media import Samples
from opentalking.providers.stt.local import LocalRecognitionConfig, LocalSpeechToText
from opentalking.providers.tts.local import LocalSpeechConfig, LocalTextToSpeech
from tests.support.human import readings
from tests.support.listen import character_error_rate, word_error_rate
from tests.support.noises import noises
from tests.support.server import eventually

pytestmark = pytest.mark.asyncio(loop_scope="module")

CHINESE = ["今天天气很好，我们去公园散步吧。", "人工智能正在改变我们的生活和工作方式。"]


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def ears(models_dir: Path) -> AsyncIterator[LocalSpeechToText]:
    ears = LocalSpeechToText(LocalRecognitionConfig(models_dir, threads=2, max_waiting=2))
    await ears.warm()
    yield ears
    await ears.aclose()


async def spoken(pcm: Samples, step: int = 1600) -> AsyncGenerator[Samples, None]:
    for start in range(0, len(pcm), step):
        yield pcm[start : start + step]


async def hear(ears: LocalSpeechToText, pcm: Samples, language: str | None = None) -> str:
    async with aclosing(spoken(pcm)) as sound, aclosing(ears.transcribe(sound, language)) as found:
        transcripts = [transcript async for transcript in found]
    assert [transcript.is_final for transcript in transcripts] == [False] * (len(transcripts) - 1) + [True]
    return transcripts[-1].text


async def until_busy(pid: int | None) -> None:
    """Wait until the engine is in the middle of something."""
    process = psutil.Process(pid)
    begin = sum(process.cpu_times()[:2])
    await eventually(lambda: sum(process.cpu_times()[:2]) > begin + 0.05, "the engine works")


async def test_it_understands_a_human_reader(ears: LocalSpeechToText) -> None:
    expected = [words for _, words in readings()]
    heard = [await hear(ears, pcm) for pcm, _ in readings()]
    assert word_error_rate(expected, heard) <= 0.08, heard


async def test_it_understands_chinese_and_writes_simplified_characters(
    ears: LocalSpeechToText, models_dir: Path
) -> None:
    voice = LocalTextToSpeech(LocalSpeechConfig(models_dir, cache_bytes=0))
    heard = []
    for text in CHINESE:
        async with aclosing(voice.speak(text, "zm_yunxi")) as pieces:
            pcm = np.concatenate([piece.pcm async for piece in pieces])
        heard.append(await hear(ears, resample(pcm, 24_000, 16_000)))
    await voice.aclose()
    assert character_error_rate(CHINESE, heard) <= 0.05, heard
    assert "，" in "".join(heard), "its punctuation is Chinese, too"


@pytest.mark.parametrize("name", noises())
async def test_what_is_not_speech_has_no_words(ears: LocalSpeechToText, name: str) -> None:
    assert await hear(ears, noises()[name]) == ""


@pytest.mark.parametrize("samples", [0, 1, 100, 1600])
async def test_a_sound_too_short_for_a_word_has_none(ears: LocalSpeechToText, samples: int) -> None:
    assert await hear(ears, readings()[0][0][16_000 : 16_000 + samples]) == ""


async def test_long_utterances_are_cut_at_their_pauses(ears: LocalSpeechToText) -> None:
    pause = np.zeros(8000, np.int16)
    parts = [part for pcm, _ in readings() * 2 for part in (pcm, pause)]
    long = np.concatenate(parts)
    assert len(long) > 50 * 16_000
    expected = " ".join(words for _, words in readings() * 2)
    assert word_error_rate([expected], [await hear(ears, long)]) <= 0.08


async def test_who_stops_listening_frees_the_engine(ears: LocalSpeechToText) -> None:
    pcm = np.concatenate([pcm for pcm, _ in readings()])
    pid = ears.pid
    waiting = [asyncio.create_task(hear(ears, pcm)) for _ in range(3)]
    await until_busy(pid)
    for task in waiting:
        task.cancel()
    await asyncio.wait(waiting)
    async with asyncio.timeout(20):
        assert "amiable" in await hear(ears, readings()[4][0])
    assert ears.pid == pid, "it was not killed for that"


async def test_more_than_a_few_that_wait_are_refused(ears: LocalSpeechToText) -> None:
    outcomes = await asyncio.gather(*(hear(ears, readings()[0][0]) for _ in range(5)), return_exceptions=True)
    assert sum(isinstance(outcome, TooMany) for outcome in outcomes) == 2
    assert sum(isinstance(outcome, str) for outcome in outcomes) == 3


async def test_an_engine_that_dies_fails_what_it_heard_and_is_started_again(models_dir: Path) -> None:
    ears = LocalSpeechToText(LocalRecognitionConfig(models_dir))
    await ears.warm()
    pid = ears.pid
    pcm = np.concatenate([pcm for pcm, _ in readings()])
    failing = asyncio.create_task(hear(ears, pcm))
    await until_busy(pid)
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    with pytest.raises(ProviderError, match="process ended") as caught:
        await failing
    assert (caught.value.stage, caught.value.retryable) == ("stt", True)
    assert "amiable" in await hear(ears, readings()[4][0])
    assert ears.pid not in (None, pid)
    await ears.aclose()


async def test_one_language_can_be_fixed_and_an_unknown_one_is_refused(models_dir: Path) -> None:
    fixed = LocalSpeechToText(LocalRecognitionConfig(models_dir, languages=("de",)))
    assert await hear(fixed, readings()[4][0])
    await fixed.aclose()
    unknown = LocalSpeechToText(LocalRecognitionConfig(models_dir, languages=("klingon",)))
    with pytest.raises(ProviderError, match=r"does not know klingon.*OPENTALKING_STT_LANGUAGE_HINTS"):
        await hear(unknown, np.zeros(16_000, np.int16))
    await unknown.aclose()


async def test_without_its_files_it_says_what_to_do(tmp_path: Path) -> None:
    deaf = LocalSpeechToText(LocalRecognitionConfig(tmp_path))
    assert deaf.ready().startswith("weights_missing: run `opentalking models pull")
    with pytest.raises(ProviderError, match="models pull"):
        await hear(deaf, np.zeros(16_000, np.int16))
    await deaf.aclose()


async def test_the_english_model_refuses_other_languages_before_it_is_loaded(tmp_path: Path) -> None:
    both = LocalSpeechToText(LocalRecognitionConfig(tmp_path, model="tiny.en"))
    assert "tiny.en knows English only, not zh; see OPENTALKING_STT_LANGUAGE_HINTS" in both.ready()
    english = LocalSpeechToText(LocalRecognitionConfig(tmp_path, model="tiny.en", languages=("en",)))
    assert english.ready() == "weights_missing: run `opentalking models pull --tiny-en`"
    with pytest.raises(InvalidInput, match=r"OPENTALKING_STT_LOCAL_MODEL must be one of base, tiny\.en"):
        LocalSpeechToText(LocalRecognitionConfig(tmp_path, model="huge"))


async def test_the_english_model_understands_a_human_reader(models_dir: Path) -> None:
    ears = LocalSpeechToText(LocalRecognitionConfig(models_dir, model="tiny.en", languages=("en",)))
    if ears.ready():
        pytest.skip("not fetched: opentalking models pull --tiny-en")
    heard = [await hear(ears, pcm) for pcm, _ in readings()]
    with pytest.raises(ProviderError, match="knows English only, not zh"):
        await hear(ears, readings()[4][0], "zh")
    await ears.aclose()
    assert word_error_rate([words for _, words in readings()], heard) <= 0.12, heard
