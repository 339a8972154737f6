import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

import psutil
import pytest

from opentalking.core.conversation import ChatModelInfo, Message
from opentalking.core.errors import ProviderError
from opentalking.core.providers import ChatModel
from opentalking.providers.llm.history import HistoryLimits
from opentalking.providers.llm.openai_compatible import OpenAICompatibleChatModel, OpenAICompatibleConfig
from tests.support.llm_server import KEY, FakeLlm

HELLO = [Message("system", "Be kind."), Message("user", "Hello?")]


@pytest.fixture
async def llm() -> AsyncIterator[FakeLlm]:
    async with FakeLlm() as server:
        yield server


@contextlib.asynccontextmanager
async def chat_model(llm: FakeLlm, **settings: Any) -> AsyncIterator[OpenAICompatibleChatModel]:
    limits = {"first_token_timeout_seconds": 5.0, "total_timeout_seconds": 5.0, **settings}
    model = OpenAICompatibleChatModel(OpenAICompatibleConfig(llm.base_url, "tiny-1", KEY, **limits))
    try:
        yield model
    finally:
        await model.aclose()


async def answer(model: ChatModel, messages: list[Message] | None = None) -> str:
    said: list[str] = []
    async with aclosing(model.reply(messages or HELLO)) as deltas:
        async for piece in deltas:
            said.append(piece.text)
    return "".join(said)


async def failure(model: ChatModel) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        await answer(model)
    assert caught.value.stage == "llm"
    assert caught.value.code == "llm_failed"
    assert KEY not in str(caught.value)
    return caught.value


async def test_streams_the_answer_word_by_word(llm: FakeLlm) -> None:
    async with chat_model(llm, max_tokens=50, temperature=0.5, extra_body={"think": False}) as model:
        assert isinstance(model, ChatModel)
        assert model.info() == ChatModelInfo("openai_compatible", "tiny-1")
        assert [piece.text async for piece in model.reply(HELLO)] == [
            "Hello",
            " there.",
            " How",
            " are",
            " you?",
        ]
    asked = llm.requests[0]
    assert asked.headers["Authorization"] == f"Bearer {KEY}"
    assert asked.messages == [("system", "Be kind."), ("user", "Hello?")]
    assert asked.body["model"] == "tiny-1"
    assert (asked.body["max_tokens"], asked.body["temperature"], asked.body["think"]) == (50, 0.5, False)


async def test_the_first_words_come_before_the_answer_is_complete(llm: FakeLlm) -> None:
    llm.mode = "stall"
    async with chat_model(llm) as model, aclosing(model.reply(HELLO)) as deltas:
        assert (await anext(deltas)).text == "Hello"
        llm.release.set()
        assert "".join([piece.text async for piece in deltas]) == " there. How are you?"


@pytest.mark.parametrize("mode", ["reasoning", "whole"])
async def test_reasoning_is_left_out_and_unstreamed_answers_count(llm: FakeLlm, mode: str) -> None:
    llm.mode = mode
    async with chat_model(llm) as model:
        assert await answer(model) == llm.answer


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ("<think>a</think>b", "b"),
        ("a < b <thi c", "a < b <thi c"),
        ("x <thinking>y</thinking> z", "x z"),
        ("<think>never closed", None),
    ],
)
async def test_thoughts_are_not_said(llm: FakeLlm, sent: str, said: str | None) -> None:
    llm.answer = sent
    async with chat_model(llm) as model:
        if said is None:
            assert "without text" in (await failure(model)).message
        else:
            assert await answer(model) == said


@pytest.mark.parametrize(
    ("mode", "retryable", "told"),
    [
        ("slow_first_token", True, "no answer within 1 s"),
        ("stall", True, "no token within 1 s"),
        ("cut", True, "connection failed"),
        ("silent_end", True, "broke off"),
        ("not_json", False, "not a chat completion"),
        ("binary", False, "not a chat completion"),
        ("error_event", True, "out of memory, key ***"),
        ("html", False, "Welcome to nginx"),
        ("json_error", False, "model is loading"),
        ("bad_gateway", True, "502"),
        ("unauthorized", False, "Incorrect API key provided: ***"),
        ("not_found", False, "model 'tiny-9' not found"),
        ("invalid", False, "refused the request (422): body.messages: Extra inputs"),
        ("rate_limited", True, "slow down"),
        ("empty", True, "without text"),
    ],
)
async def test_failures_tell_what_the_endpoint_said(
    llm: FakeLlm, mode: str, retryable: bool, told: str
) -> None:
    llm.mode = mode
    async with chat_model(llm, first_token_timeout_seconds=1.0) as model:
        error = await failure(model)
        assert told in error.message
        assert error.retryable is retryable
        assert f"127.0.0.1:{llm.port}" in error.message
        llm.mode = "normal"
        assert await answer(model) == llm.answer


@pytest.mark.parametrize("fault", ["refusal", "whole", "event", "junk"])
async def test_what_an_endpoint_repeats_of_the_prompt_is_not_for_the_log(llm: FakeLlm, fault: str) -> None:
    llm.mode = f"repeating_{fault}"
    async with chat_model(llm) as model:
        error = await failure(model)
    assert "not allowed here: Hello?" in error.message
    assert "Hello" not in error.log_message
    assert f"127.0.0.1:{llm.port}" in error.log_message


@pytest.mark.parametrize(
    "event",
    [
        {"hello": "world"},
        [1, 2],
        5,
        None,
        "text",
        {"choices": "yes"},
        {"choices": [7]},
        {"choices": {"a": 1}},
        {"choices": [{"delta": {"content": 7}}]},
        {"choices": [{"delta": "x"}]},
    ],
)
async def test_events_of_another_shape_are_a_failure(llm: FakeLlm, event: object) -> None:
    llm.mode, llm.event = "event", event
    async with chat_model(llm) as model:
        await failure(model)


async def test_a_refused_connection_is_a_failure(llm: FakeLlm) -> None:
    async with FakeLlm() as gone:
        pass
    async with chat_model(gone) as model:
        error = await failure(model)
    assert error.retryable
    assert f"127.0.0.1:{gone.port}" in error.message


async def test_the_time_of_the_whole_answer_is_limited(llm: FakeLlm) -> None:
    llm.mode = "endless"
    async with chat_model(llm, total_timeout_seconds=0.3, max_answer_characters=10**9) as model:
        assert "within" in (await failure(model)).message
        await llm.disconnected.wait()


async def test_an_endless_answer_is_cut(llm: FakeLlm) -> None:
    llm.mode = "endless"
    async with chat_model(llm, max_answer_characters=100) as model:
        assert await answer(model) == ("and on " * 20)[:100]
        await llm.disconnected.wait()


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ("One is here. Two is here. Three is not", "One is here. Two is here. "),
        ("One is here. Two is here.", "One is here. Two is here."),
        ("One goes on and on", "One goes on and on"),
    ],
)
async def test_an_answer_cut_by_the_model_ends_with_a_whole_sentence(
    llm: FakeLlm, sent: str, said: str
) -> None:
    llm.answer, llm.finish_reason = sent, "length"
    async with chat_model(llm, whole_sentences=True) as model:
        assert await answer(model) == said
    llm.finish_reason = "stop"
    async with chat_model(llm, whole_sentences=True) as model:
        assert await answer(model) == sent


async def test_closing_the_reply_closes_the_connection(llm: FakeLlm) -> None:
    llm.mode = "endless"
    async with chat_model(llm) as model:
        async with aclosing(model.reply(HELLO)) as deltas:
            await anext(deltas)
        async with asyncio.timeout(1):
            await llm.disconnected.wait()


@pytest.mark.parametrize("mode", ["slow_first_token", "stall"])
async def test_cancelling_the_reader_closes_the_connection(llm: FakeLlm, mode: str) -> None:
    llm.mode = mode
    async with chat_model(llm) as model:
        reader = asyncio.create_task(answer(model))
        await llm.started.wait()
        reader.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reader
        async with asyncio.timeout(1):
            await llm.disconnected.wait()


async def test_nothing_is_left_behind(llm: FakeLlm) -> None:
    tasks = asyncio.all_tasks()
    async with chat_model(llm, first_token_timeout_seconds=0.2, max_answer_characters=500) as model:
        for mode in ("normal", "cut", "not_json", "endless", "stall", "bad_gateway", "html"):
            llm.mode = mode
            with contextlib.suppress(ProviderError):
                await answer(model)
            async with aclosing(model.reply(HELLO)) as deltas:
                with contextlib.suppress(ProviderError):
                    await anext(deltas)
    await model.aclose()
    assert connections_to(llm.port) == 0
    assert {task for task in asyncio.all_tasks() - tasks if "reply" in repr(task)} == set()
    assert "closed" in (await failure(model)).message


def connections_to(port: int) -> int:
    """Client ends of TCP connections to `port` that this process holds."""
    connections = psutil.Process().net_connections("tcp")
    return sum(bool(connection.raddr) and connection.raddr.port == port for connection in connections)


async def test_only_the_latest_history_is_sent(llm: FakeLlm) -> None:
    turns = [Message("user" if number % 2 == 0 else "assistant", f"turn {number}") for number in range(9)]
    async with chat_model(llm, history=HistoryLimits(max_messages=4)) as model:
        await answer(model, [Message("system", "Be kind."), *turns])
        await answer(
            model,
            [
                Message("assistant", "Hi!"),
                Message("user", "a"),
                Message("assistant", " "),
                Message("user", "b"),
            ],
        )
    async with chat_model(llm, history=HistoryLimits(max_characters=15)) as model:
        await answer(model, [*turns[:-1], Message("user", "x" * 50)])
    assert [asked.messages for asked in llm.requests] == [
        [("system", "Be kind."), ("user", "turn 6"), ("assistant", "turn 7"), ("user", "turn 8")],
        [("assistant", "Hi!"), ("user", "a\nb")],
        [("user", "x" * 50)],
    ]


async def test_the_key_is_not_in_the_configuration_s_text(llm: FakeLlm) -> None:
    assert KEY not in repr(OpenAICompatibleConfig(llm.base_url, "m", KEY))


async def test_one_endpoint_serves_many_at_once(llm: FakeLlm) -> None:
    async with chat_model(llm) as model:
        assert await asyncio.gather(*(answer(model) for _ in range(5))) == [llm.answer] * 5


async def test_warm_makes_a_server_on_this_machine_load_its_model(llm: FakeLlm) -> None:
    async with chat_model(llm) as model:
        await model.warm("Be kind.")
    assert llm.requests[0].messages[0] == ("system", "Be kind.")


async def test_the_environment_of_the_sdk_does_not_matter(
    llm: FakeLlm, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "OPENAI_BASE_URL"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("OPENAI_API_KEY", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID"):
        monkeypatch.setenv(name, "not-for-others")
    model = OpenAICompatibleChatModel(OpenAICompatibleConfig(llm.base_url, "tiny-1"))
    assert await answer(model) == llm.answer
    await model.aclose()
    assert "not-for-others" not in str(llm.requests[0].headers)


async def test_connections_to_this_machine_are_not_kept_to_be_closed_just_when_used(llm: FakeLlm) -> None:
    async with chat_model(llm) as model:
        await answer(model)
    assert [asked.headers["Connection"].lower() for asked in llm.requests] == ["close"]
