"""Recognition by DashScope's Paraformer, against a local server of its protocol."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing

import numpy as np
import pytest

from opentalking.core.conversation import Transcript
from opentalking.core.errors import Conflict, ProviderError
from opentalking.core.media import Samples
from opentalking.providers.stt.dashscope import Paraformer, ParaformerConfig
from tests.support.vendors.transcriptions import KEY, ParaformerServer

SECOND = (3000 * np.sin(np.arange(16_000) / 7)).astype(np.int16)


@pytest.fixture
async def server() -> AsyncIterator[ParaformerServer]:
    async with ParaformerServer() as server:
        yield server


async def spoken(*pieces: Samples) -> AsyncGenerator[Samples, None]:
    for piece in pieces:
        yield piece


async def recognise(
    server: ParaformerServer,
    audio: AsyncIterator[Samples] | None = None,
    key: str = KEY,
    language: str | None = None,
) -> list[Transcript]:
    recogniser = Paraformer(ParaformerConfig(key, languages=("en", "zh"), service_url=server.url))
    audio = audio or spoken(SECOND[:5000], SECOND[5000:])
    async with aclosing(recogniser.transcribe(audio, language)) as found:
        return [transcript async for transcript in found]


async def test_partial_transcripts_grow_into_the_final_one(server: ParaformerServer) -> None:
    found = await recognise(server)
    assert [transcript.text for transcript in found] == [
        "what ti",
        "what time is it",
        "what time is it n",
        "what time is it now",
        "what time is it now",
    ]
    assert [transcript.is_final for transcript in found] == [False] * 4 + [True]
    assert bytes(server.sound) == SECOND.tobytes()
    run, finish = server.orders
    assert run["payload"]["parameters"] == {
        "format": "pcm",
        "sample_rate": 16_000,
        "language_hints": ["en", "zh"],
    }
    assert (run["payload"]["task"], run["payload"]["model"]) == ("asr", "paraformer-realtime-v2")
    assert finish["header"]["action"] == "finish-task"
    assert finish["header"]["task_id"] == run["header"]["task_id"]


async def test_an_utterance_may_name_its_language(server: ParaformerServer) -> None:
    await recognise(server, language="zh")
    assert server.orders[0]["payload"]["parameters"]["language_hints"] == ["zh"]


async def test_a_pause_is_not_sent(server: ParaformerServer) -> None:
    pause = np.zeros(0, np.int16)
    found = await recognise(server, spoken(pause, SECOND[:1600], pause, SECOND[1600:3200], pause))
    assert found[-1].text == "what time is it now"
    assert server.frame_lengths == [3200, 3200], "an empty frame is none"


async def test_results_that_come_in_a_row_after_the_sound_make_no_trouble(server: ParaformerServer) -> None:
    trouble: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: trouble.append(context))
    server.sentences = tuple(f"number {number}" for number in range(20))
    recogniser = Paraformer(ParaformerConfig(KEY, service_url=server.url))
    async with aclosing(recogniser.transcribe(spoken(SECOND))) as found:
        async for transcript in found:
            last = transcript
            await asyncio.sleep(0.001)
    assert last.text.endswith("number 19")
    assert not trouble


async def test_chinese_sentences_stand_without_spaces(server: ParaformerServer) -> None:
    server.sentences = ("你好。", "现在几点？")
    assert (await recognise(server))[-1] == Transcript("你好。现在几点？", is_final=True)
    server.sentences = ()
    assert await recognise(server) == [Transcript("", is_final=True)]


@pytest.mark.parametrize(
    ("mode", "message"),
    [("refuse", r"\(ModelNotFound\): no such model"), ("drop", "dashscope: "), ("junk", "should not")],
)
async def test_failures_are_told(server: ParaformerServer, mode: str, message: str) -> None:
    server.mode = mode
    with pytest.raises(ProviderError, match=message) as caught:
        await recognise(server)
    assert (caught.value.stage, caught.value.provider) == ("stt", "dashscope")


async def test_keys_are_needed_and_never_told(server: ParaformerServer) -> None:
    with pytest.raises(ProviderError, match="OPENTALKING_STT_DASHSCOPE_API_KEY"):
        await recognise(server, key="")
    with pytest.raises(ProviderError, match="refused the API key") as caught:
        await recognise(server, key="sk-wrong")
    assert "sk-wrong" not in str(caught.value)


async def test_who_stops_listening_closes_the_connection(server: ParaformerServer) -> None:
    server.mode = "stall"
    waiting = asyncio.create_task(recognise(server))
    await asyncio.wait_for(server.heard.wait(), 5)
    waiting.cancel()
    await asyncio.wait({waiting})
    await asyncio.wait_for(server.disconnected.wait(), 5)


async def test_sound_that_fails_ends_the_recognition(server: ParaformerServer) -> None:
    async def breaking() -> AsyncGenerator[Samples, None]:
        yield SECOND
        raise Conflict("the sound broke off")

    with pytest.raises(Conflict, match="broke off"):
        await recognise(server, breaking())
    await asyncio.wait_for(server.disconnected.wait(), 5)
