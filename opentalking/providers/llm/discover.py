"""Who answers: the configured endpoint, a server found on this machine, or the built-in model."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import Literal

import structlog

from opentalking.core.conversation import ChatModelInfo, Delta, Message
from opentalking.core.errors import ProviderError
from opentalking.core.providers import ChatModel, ReadsAhead
from opentalking.providers.llm.answer import MalformedAnswer
from opentalking.providers.llm.openai_compatible import (
    OpenAICompatibleChatModel,
    OpenAICompatibleConfig,
    new_client,
    upstream,
)

_log = structlog.get_logger("opentalking.llm")

Choice = Literal["auto", "openai_compatible", "builtin"]
_NOT_CONFIGURED = (
    "not_configured: set OPENTALKING_LLM_BASE_URL and OPENTALKING_LLM_MODEL, or start Ollama or LM Studio"
)
_NO_MODEL = "not_configured: the endpoint lists no chat model; set OPENTALKING_LLM_MODEL"
_NOT_FOR_CHAT = ("embed", "whisper", "tts", "rerank", "moderation", "dall-e")


@dataclass(frozen=True, slots=True)
class LocalServer:
    """A chat server that people run on their own machine."""

    provider: str
    base_url: str


LOCAL_SERVERS = (
    LocalServer("ollama", "http://127.0.0.1:11434/v1"),
    LocalServer("lm_studio", "http://127.0.0.1:1234/v1"),
)


@dataclass(frozen=True, slots=True)
class AutoConfig:
    """How the chat model is chosen.

    `endpoint` carries the limits for whichever endpoint is chosen; it is the configured one when its
    `base_url` is not empty, and its `model`, when not empty, is the one that is asked for everywhere.
    A local server is looked for at most every `probe_interval_seconds`, and for no longer than
    `probe_timeout_seconds`.
    """

    endpoint: OpenAICompatibleConfig = field(default_factory=lambda: OpenAICompatibleConfig("", ""))
    choice: Choice = "auto"
    local_servers: Sequence[LocalServer] = LOCAL_SERVERS
    probe_timeout_seconds: float = 0.3
    probe_interval_seconds: float = 30.0
    list_timeout_seconds: float = 5.0


class AutoChatModel:
    """A `ChatModel` that passes on to the best one available.

    Decided by the first use (`warm` at start). While the built-in model answers, or none, local servers
    are looked for again before a reply; a local server that has gone away is replaced within the same reply.
    Takes over `builtin`: it is closed with this one.
    """

    def __init__(self, config: AutoConfig, builtin: ChatModel | None = None) -> None:
        self._config = config
        self._builtin = builtin
        self._endpoints: dict[tuple[str, str], OpenAICompatibleChatModel] = {}
        self._chosen: ChatModel | None = None
        self._probed_at = float("-inf")
        self._deciding = asyncio.Lock()
        self._closed = False

    def info(self) -> ChatModelInfo:
        """Who answers, as far as is known now."""
        if self._chosen is not None:
            return self._chosen.info()
        endpoint = self._config.endpoint
        if endpoint.base_url and self._config.choice != "builtin":
            reason = "" if endpoint.model else _NO_MODEL
            return ChatModelInfo(endpoint.provider, endpoint.model, ready=not reason, reason=reason)
        if self._builtin is not None and self._config.choice != "openai_compatible":
            return self._builtin.info()
        return ChatModelInfo("none", "", ready=False, reason=_NOT_CONFIGURED)

    async def reply(self, messages: Sequence[Message]) -> AsyncGenerator[Delta, None]:
        """Stream the answer of whoever is chosen."""
        model = await self._decide()
        answered = False
        try:
            async with aclosing(model.reply(messages)) as deltas:
                async for delta in deltas:
                    answered = True
                    yield delta
            return
        except ProviderError as error:
            if answered or not error.retryable or not self._may_replace(model):
                raise
        async with aclosing((await self._decide()).reply(messages)) as deltas:
            async for delta in deltas:
                yield delta

    async def warm(self, system_prompt: str) -> None:
        """Decide, and prepare whoever is chosen."""
        await (await self._decide()).warm(system_prompt)

    async def read_ahead(self, messages: Sequence[Message]) -> None:
        """Have whoever is chosen read ahead, if they do."""
        model = self._chosen
        if isinstance(model, ReadsAhead):
            await model.read_ahead(messages)

    async def aclose(self) -> None:
        """Close every endpoint that was ever chosen, and the built-in model; idempotent."""
        self._closed = True
        for model in (*self._endpoints.values(), self._builtin):
            if model is not None:
                await model.aclose()

    def _may_replace(self, model: ChatModel) -> bool:
        """Forget a local server that failed, so that the next decision looks around again."""
        if model is self._builtin or self._config.endpoint.base_url:
            return False
        if self._chosen is model:
            self._chosen = None
            self._probed_at = float("-inf")
        return True

    async def _decide(self) -> ChatModel:
        async with self._deciding:
            if self._closed:
                raise ProviderError("closed", stage="llm", provider=self.info().provider)
            if self._is_undecided():
                before = self._chosen
                self._chosen = await self._choose()
                if self._chosen is not None and self._chosen is not before:
                    info = self._chosen.info()
                    _log.info("chat_model_chosen", provider=info.provider, model=info.model, demo=info.demo)
            if self._chosen is None:
                raise ProviderError(self.info().reason, stage="llm", provider=self.info().provider)
            return self._chosen

    def _is_undecided(self) -> bool:
        if self._chosen is None:
            return True
        if self._chosen is not self._builtin or self._config.choice == "builtin":
            return False
        age_seconds = asyncio.get_running_loop().time() - self._probed_at
        return age_seconds >= self._config.probe_interval_seconds

    async def _choose(self) -> ChatModel | None:
        config = self._config
        if config.choice == "builtin":
            return self._builtin
        if config.endpoint.base_url:
            return await self._configured()
        if config.choice == "openai_compatible":
            return None
        return await self._local_server() or self._builtin

    async def _configured(self) -> ChatModel | None:
        endpoint = self._config.endpoint
        if endpoint.model:
            return self._endpoint(endpoint)
        names = await chat_models(endpoint, self._config.list_timeout_seconds)
        return self._endpoint(replace(endpoint, model=names[0])) if names else None

    async def _local_server(self) -> ChatModel | None:
        """The first local server that has the wanted model, or any."""
        self._probed_at = asyncio.get_running_loop().time()
        wanted = self._config.endpoint.model
        candidates = [
            replace(self._config.endpoint, base_url=server.base_url, provider=server.provider, api_key="")
            for server in self._config.local_servers
        ]
        found = await asyncio.gather(*(self._probe(candidate) for candidate in candidates))
        for candidate, names in zip(candidates, found, strict=True):
            model = _pick(names, wanted)
            if model:
                return self._endpoint(replace(candidate, model=model))
        return None

    async def _probe(self, candidate: OpenAICompatibleConfig) -> list[str]:
        try:
            return await chat_models(candidate, self._config.probe_timeout_seconds)
        except ProviderError as error:
            _log.debug("no_local_server", provider=candidate.provider, error=error.log_message)
            return []

    def _endpoint(self, config: OpenAICompatibleConfig) -> OpenAICompatibleChatModel:
        key = (config.base_url, config.model)
        if key not in self._endpoints:
            self._endpoints[key] = OpenAICompatibleChatModel(config)
        return self._endpoints[key]


async def chat_models(config: OpenAICompatibleConfig, timeout_seconds: float) -> list[str]:
    """Names of the chat models that an endpoint lists; raises `ProviderError`."""
    async with new_client(config) as client:
        with upstream(config).errors("list of models"):
            async with asyncio.timeout(timeout_seconds):
                page = await client.models.list()
            names = [model.id for model in page.data or []]
            if not all(isinstance(name, str) for name in names):
                raise MalformedAnswer("sent a list of models without names")
    return [name for name in names if not any(word in name.lower() for word in _NOT_FOR_CHAT)]


def _pick(names: Sequence[str], wanted: str) -> str:
    """The wanted model as the server calls it ("x" is "x:latest" in Ollama), or the first."""
    if not wanted:
        return next(iter(names), "")
    return next((name for name in names if name in (wanted, f"{wanted}:latest")), "")
