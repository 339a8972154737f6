"""Recognition by an OpenAI-compatible endpoint: the real SDK against a local server of the protocol."""

import asyncio
import dataclasses
import io
import wave
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing

import numpy as np
import pytest

from opentalking.core.errors import ProviderError
from opentalking.core.media import Samples
from opentalking.providers.stt.openai_compatible import OpenAIRecognitionConfig, OpenAISpeechToText
from tests.support.vendors.transcriptions import KEY, TranscriptionServer

SECOND = (3000 * np.sin(np.arange(16_000) / 7)).astype(np.int16)


@pytest.fixture
async def server() -> AsyncIterator[TranscriptionServer]:
    async with TranscriptionServer() as server:
        yield server


def config(server: TranscriptionServer) -> OpenAIRecognitionConfig:
    return OpenAIRecognitionConfig(server.base_url, KEY, model="whisper-9", timeout_seconds=5.0)


async def spoken(*pieces: Samples) -> AsyncGenerator[Samples, None]:
    for piece in pieces:
        yield piece


async def recognise(settings: OpenAIRecognitionConfig, *pieces: Samples, language: str | None = None) -> str:
    recogniser = OpenAISpeechToText(settings)
    try:
        async with aclosing(recogniser.transcribe(spoken(*pieces), language)) as found:
            transcripts = [transcript async for transcript in found]
    finally:
        await recogniser.aclose()
    assert [transcript.is_final for transcript in transcripts] == [True]
    return transcripts[0].text


async def test_the_utterance_is_sent_whole_as_a_wav_file(server: TranscriptionServer) -> None:
    server.text = "  what time is it "
    text = await recognise(dataclasses.replace(config(server), language="en"), SECOND[:100], SECOND[100:])
    assert text == "what time is it"
    [asked] = server.requests
    assert asked.fields == {"model": "whisper-9", "language": "en", "response_format": "json"}
    assert asked.headers["Authorization"] == f"Bearer {KEY}"
    with wave.open(io.BytesIO(asked.file)) as sent:
        assert (sent.getframerate(), sent.getnchannels(), sent.getsampwidth()) == (16_000, 1, 2)
        assert sent.readframes(sent.getnframes()) == SECOND.tobytes()


async def test_an_utterance_may_name_its_language(server: TranscriptionServer) -> None:
    await recognise(dataclasses.replace(config(server), language="en"), SECOND, language="zh")
    assert server.requests[0].fields["language"] == "zh"


async def test_a_pause_is_no_reason_to_ask(server: TranscriptionServer) -> None:
    pause = np.zeros(0, np.int16)
    await recognise(config(server), SECOND[:8000], pause, SECOND[8000:], pause)
    [asked] = server.requests
    with wave.open(io.BytesIO(asked.file)) as sent:
        assert sent.readframes(sent.getnframes()) == SECOND.tobytes()


async def test_silence_is_not_sent(server: TranscriptionServer) -> None:
    assert await recognise(config(server), np.zeros(16_000, np.int16)) == ""
    assert await recognise(config(server)) == ""
    assert not server.requests


async def test_a_long_utterance_is_looked_through_beside_the_event_loop(server: TranscriptionServer) -> None:
    others_ran: list[bool] = []

    async def quiet() -> AsyncGenerator[Samples, None]:
        yield np.zeros(16_000 * 60, np.int16)
        asyncio.get_running_loop().call_soon(others_ran.append, True)

    async with aclosing(OpenAISpeechToText(config(server)).transcribe(quiet())) as found:
        assert (await anext(found)).text == ""
    assert others_ran


async def test_without_a_language_the_endpoint_finds_out(server: TranscriptionServer) -> None:
    await recognise(config(server), SECOND)
    assert "language" not in server.requests[0].fields


@pytest.mark.parametrize(
    ("mode", "message", "retryable"),
    [
        ("unauthorized", "refused the API key", False),
        ("unknown_model", "no model whisper-9", False),
        ("bad_gateway", "502", True),
        ("html", "not a transcription", False),
        ("no_text", "not a transcription", False),
        ("list", "not a transcription", False),
        ("broken_json", "not a transcription", False),
    ],
)
async def test_failures_tell_what_the_endpoint_said_and_never_the_key(
    server: TranscriptionServer, mode: str, message: str, retryable: bool
) -> None:
    server.mode = mode
    with pytest.raises(ProviderError, match=message) as caught:
        await recognise(config(server), SECOND)
    assert (caught.value.stage, caught.value.provider) == ("stt", "openai_compatible")
    assert caught.value.retryable is retryable
    assert KEY not in str(caught.value)


async def test_an_endpoint_that_says_nothing_is_given_up(server: TranscriptionServer) -> None:
    server.mode = "stall"
    with pytest.raises(ProviderError, match=r"no transcription within"):
        await recognise(dataclasses.replace(config(server), timeout_seconds=0.3), SECOND)
    with pytest.raises(ProviderError, match="connection failed"):
        await recognise(dataclasses.replace(config(server), base_url="http://127.0.0.1:9/v1"), SECOND)


async def test_who_stops_listening_closes_the_connection(server: TranscriptionServer) -> None:
    server.mode = "stall"
    waiting = asyncio.create_task(recognise(config(server), SECOND))
    await asyncio.wait_for(server.started.wait(), 5)
    waiting.cancel()
    await asyncio.wait({waiting})
    await asyncio.wait_for(server.disconnected.wait(), 5)


async def test_without_an_address_it_says_which_setting_is_missing() -> None:
    recogniser = OpenAISpeechToText(OpenAIRecognitionConfig())
    assert "OPENTALKING_STT_OPENAI_BASE_URL" in recogniser.ready()
    with pytest.raises(ProviderError, match="OPENTALKING_STT_OPENAI_BASE_URL"):
        await recognise(OpenAIRecognitionConfig(), SECOND)
