import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from typing import Any

import pytest

from opentalking.core.conversation import ChatModelInfo, Delta, Message
from opentalking.core.errors import ProviderError
from opentalking.core.providers import ChatModel
from opentalking.providers.llm.discover import AutoChatModel, AutoConfig, LocalServer
from opentalking.providers.llm.openai_compatible import OpenAICompatibleConfig
from tests.support.llm_server import KEY, FakeLlm

HELLO = [Message("user", "Hello?")]


class Parrot:
    """Stands for the built-in model: repeats what it hears."""

    def __init__(self) -> None:
        self.warmed: list[str] = []
        self.closed = False

    def info(self) -> ChatModelInfo:
        return ChatModelInfo("builtin", "parrot", demo=True)

    async def reply(self, messages: Sequence[Message]) -> AsyncGenerator[Delta, None]:
        yield Delta(f"parrot: {messages[-1].content}")

    async def warm(self, system_prompt: str) -> None:
        self.warmed.append(system_prompt)

    async def aclose(self) -> None:
        self.closed = True


@pytest.fixture
async def first() -> AsyncIterator[FakeLlm]:
    async with FakeLlm(answer="I am the first.") as server:
        yield server


@pytest.fixture
async def second() -> AsyncIterator[FakeLlm]:
    async with FakeLlm(
        answer="I am the second.", models=("nomic-embed-text", "big", "small:latest")
    ) as server:
        yield server


@pytest.fixture
async def nobody() -> FakeLlm:
    async with FakeLlm(answer="I am back.") as server:
        pass
    return server


@contextlib.asynccontextmanager
async def auto(
    *servers: FakeLlm,
    endpoint: OpenAICompatibleConfig | None = None,
    builtin: ChatModel | None = None,
    **settings: Any,
) -> AsyncIterator[AutoChatModel]:
    config = AutoConfig(
        endpoint=endpoint or OpenAICompatibleConfig("", ""),
        local_servers=[
            LocalServer(f"local_{number}", server.base_url) for number, server in enumerate(servers)
        ],
        **settings,
    )
    model = AutoChatModel(config, builtin)
    try:
        yield model
    finally:
        await model.aclose()


async def answer(model: ChatModel) -> str:
    async with aclosing(model.reply(HELLO)) as deltas:
        return "".join([piece.text async for piece in deltas])


async def test_the_configured_endpoint_comes_first(first: FakeLlm, second: FakeLlm) -> None:
    configured = OpenAICompatibleConfig(second.base_url, "big", KEY)
    async with auto(first, endpoint=configured, builtin=Parrot()) as model:
        assert model.info() == ChatModelInfo("openai_compatible", "big")
        assert await answer(model) == "I am the second."
        assert isinstance(model, ChatModel)
    assert first.model_lists == 0


async def test_a_failing_configured_endpoint_is_not_replaced(first: FakeLlm, nobody: FakeLlm) -> None:
    configured = OpenAICompatibleConfig(nobody.base_url, "big", KEY)
    async with auto(first, endpoint=configured, builtin=Parrot()) as model:
        with pytest.raises(ProviderError):
            await answer(model)
        assert model.info().provider == "openai_compatible"


async def test_an_endpoint_without_a_named_model_is_asked_for_its_first(second: FakeLlm) -> None:
    async with auto(endpoint=OpenAICompatibleConfig(second.base_url, "", KEY)) as model:
        assert not model.info().ready
        assert await answer(model) == "I am the second."
        assert model.info() == ChatModelInfo("openai_compatible", "big")


async def test_a_local_server_is_found_with_its_first_chat_model(nobody: FakeLlm, second: FakeLlm) -> None:
    secret = OpenAICompatibleConfig("", "", KEY)
    async with auto(nobody, second, endpoint=secret, builtin=Parrot()) as model:
        await model.warm("")
        assert model.info() == ChatModelInfo("local_1", "big")
        assert await answer(model) == "I am the second."
    assert second.requests[-1].body["model"] == "big"
    assert KEY not in str(second.requests), "a key for elsewhere was given away"


async def test_a_named_model_chooses_among_local_servers(first: FakeLlm, second: FakeLlm) -> None:
    async with auto(first, second, endpoint=OpenAICompatibleConfig("", "small"), builtin=Parrot()) as model:
        assert await answer(model) == "I am the second."
        assert model.info() == ChatModelInfo("local_1", "small:latest")


@pytest.mark.parametrize("mode", ["garbage_models", "slow_models"])
async def test_bad_local_servers_are_passed_over(first: FakeLlm, mode: str) -> None:
    first.mode = mode
    parrot = Parrot()
    async with auto(first, builtin=parrot) as model:
        await model.warm("Be kind.")
        assert model.info() == ChatModelInfo("builtin", "parrot", demo=True)
        assert await answer(model) == "parrot: Hello?"
    assert parrot.warmed == ["Be kind."]
    assert parrot.closed


async def test_a_local_server_without_models_is_passed_over(first: FakeLlm) -> None:
    first.models = ()
    async with auto(first, builtin=Parrot()) as model:
        assert await answer(model) == "parrot: Hello?"


async def test_a_server_started_later_takes_over_from_the_builtin_model(nobody: FakeLlm) -> None:
    async with auto(nobody, builtin=Parrot(), probe_interval_seconds=0.0) as model:
        assert await answer(model) == "parrot: Hello?"
        async with nobody:
            assert await answer(model) == "I am back."


async def test_local_servers_are_not_looked_for_at_every_reply(first: FakeLlm) -> None:
    first.models = ()
    async with auto(first, builtin=Parrot()) as model:
        for _ in range(3):
            await answer(model)
    assert first.model_lists == 1


async def test_a_local_server_that_goes_away_is_replaced_in_the_same_reply(nobody: FakeLlm) -> None:
    async with auto(nobody, builtin=Parrot()) as model:
        async with nobody:
            assert await answer(model) == "I am back."
        assert await answer(model) == "parrot: Hello?"
        assert model.info().demo


async def test_an_answer_that_has_begun_is_not_begun_again(first: FakeLlm) -> None:
    first.mode = "cut"
    async with auto(first, builtin=Parrot()) as model, aclosing(model.reply(HELLO)) as deltas:
        said = "".join([(await anext(deltas)).text for _ in range(4)])
        with pytest.raises(ProviderError):
            await anext(deltas)
    assert said == "I am the first."


async def test_nobody_there_says_what_to_do(nobody: FakeLlm) -> None:
    async with auto(nobody) as model:
        assert not model.info().ready
        with pytest.raises(ProviderError, match="OPENTALKING_LLM_BASE_URL"):
            await answer(model)


async def test_choices_can_be_pinned(first: FakeLlm) -> None:
    configured = OpenAICompatibleConfig(first.base_url, "tiny-1", KEY)
    async with auto(first, endpoint=configured, builtin=Parrot(), choice="builtin") as model:
        assert model.info().provider == "builtin"
        assert await answer(model) == "parrot: Hello?"
    async with auto(first, builtin=Parrot(), choice="openai_compatible") as model:
        assert model.info().reason.startswith("not_configured")
        with pytest.raises(ProviderError):
            await answer(model)
    assert first.model_lists == 0


async def test_first_replies_at_once_decide_once(first: FakeLlm) -> None:
    async with auto(first, builtin=Parrot()) as model:
        assert await asyncio.gather(*(answer(model) for _ in range(4))) == [first.answer] * 4
    assert first.model_lists == 1
