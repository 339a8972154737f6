"""The tiny chat model that comes with the project: an answer without key and network, a demo."""

import asyncio
import importlib.util
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path

from opentalking.core.conversation import ChatModelInfo, Delta, Message
from opentalking.core.errors import ProviderError
from opentalking.inference.host import InferenceProcess, ProcessConfig
from opentalking.providers.llm.history import HistoryLimits, fit_history, whole_exchanges
from opentalking.providers.llm.openai_compatible import OpenAICompatibleChatModel, OpenAICompatibleConfig

PROVIDER = "builtin"
DEFAULT_SYSTEM_PROMPT = (
    "You are a friendly assistant who talks with the user. Answer in one or two short, plain sentences."
)
_PING_TIMEOUT_SECONDS = 10.0
_ENGINE_MODULE = "opentalking.inference.engines.llm"
_WEIGHTS_MISSING = "weights_missing: run `opentalking models pull --embedded`"
_NOT_INSTALLED = "not_installed: pip install 'opentalking[local]'"


@dataclass(frozen=True, slots=True)
class BuiltinConfig:
    """Where the model lies, and how little it is asked to do.

    Prompts are cut to about `system_tokens` and `history_tokens` (estimated), answers to `max_tokens` and
    there to the last whole sentence.
    """

    model_path: Path
    max_tokens: int = 64
    system_tokens: int = 200
    history_tokens: int = 240
    history_messages: int = 8
    temperature: float = 0.2
    context_tokens: int = 2048
    parallel: int = 2
    threads: int = 1
    cache_mib: int = 64
    niceness: int = 5  # less urgent than the voice: measured, its first sound then comes a third sooner
    start_timeout_seconds: float = 60.0
    first_token_timeout_seconds: float = 20.0
    total_timeout_seconds: float = 60.0


class BuiltinChatModel:
    """A `ChatModel` in a child process, started by the first use and again after a crash."""

    def __init__(self, config: BuiltinConfig) -> None:
        self._config = config
        self._process = InferenceProcess(
            ProcessConfig(
                module=_ENGINE_MODULE,
                stage="llm",
                provider=PROVIDER,
                settings={
                    "model_path": str(config.model_path),
                    "context_tokens": config.context_tokens,
                    "parallel": config.parallel,
                    "threads": config.threads,
                    "cache_mib": config.cache_mib,
                },
                niceness=config.niceness,
                start_timeout_seconds=config.start_timeout_seconds,
                part_timeout_seconds=_PING_TIMEOUT_SECONDS,
            )
        )
        self._endpoint: OpenAICompatibleChatModel | None = None
        self._endpoint_url = ""
        self._closed = False
        self._requests = 0
        """How many are under way."""

    @property
    def pid(self) -> int | None:
        """Process id of the running child, None when there is none."""
        return self._process.pid

    def info(self) -> ChatModelInfo:
        """Who answers, and what is missing; instant."""
        reason = ""
        if importlib.util.find_spec("xllamacpp") is None:
            reason = _NOT_INSTALLED
        elif not self._config.model_path.is_file():
            reason = _WEIGHTS_MISSING
        name = self._config.model_path.stem.split(".")[0]
        return ChatModelInfo(PROVIDER, name, demo=True, ready=not reason, reason=reason)

    async def reply(self, messages: Sequence[Message]) -> AsyncGenerator[Delta, None]:
        """Stream a short answer; a child that turns out to be dead is replaced before the first word."""
        self._requests += 1
        try:
            async with aclosing(self._reply(self._prompt(messages))) as deltas:
                async for delta in deltas:
                    yield delta
        finally:
            self._requests -= 1

    async def read_ahead(self, messages: Sequence[Message]) -> None:
        """Read what may become a question, while the model has nothing else to do and is there."""
        if self._requests or self._endpoint is None or not self._process.running:
            return
        self._requests += 1
        try:
            await self._endpoint.read(self._prompt(messages))
        finally:
            self._requests -= 1

    async def warm(self, system_prompt: str) -> None:
        """Load the model and have it read the system prompt, so that the first token comes quickly."""
        endpoint = await self._connect()
        prompt = self._prompt([Message("system", system_prompt)])[0].content
        # At once, so that each of the model's places for an answer has read it.
        try:
            async with asyncio.TaskGroup() as tasks:
                for _ in range(self._config.parallel):
                    tasks.create_task(endpoint.warm(prompt))
        except ExceptionGroup as failures:
            raise failures.exceptions[0] from failures

    async def aclose(self) -> None:
        """End the child; idempotent."""
        self._closed = True
        endpoint, self._endpoint = self._endpoint, None
        if endpoint is not None:
            await endpoint.aclose()
        await self._process.aclose()

    async def _reply(self, prompt: Sequence[Message]) -> AsyncGenerator[Delta, None]:
        answered = False
        try:
            async with aclosing((await self._connect()).reply(prompt)) as deltas:
                async for delta in deltas:
                    answered = True
                    yield delta
            return
        except ProviderError as error:
            if answered or not error.retryable or await self._is_alive():
                raise
        async with aclosing((await self._connect()).reply(prompt)) as deltas:
            async for delta in deltas:
                yield delta

    async def _is_alive(self) -> bool:
        """Whether the child that just failed a request is there; also true when there shall be none."""
        if self._closed or not self._process.running:
            return self._closed
        try:
            await self._process.call("ping", {})
        except ProviderError:
            return self._process.running
        return True

    async def _connect(self) -> OpenAICompatibleChatModel:
        info = self.info()
        if not info.ready:
            raise ProviderError(info.reason, stage="llm", provider=PROVIDER)
        address = await self._process.start()
        if self._endpoint is None or self._endpoint_url != address["url"]:
            stale = self._endpoint
            self._endpoint = OpenAICompatibleChatModel(self._endpoint_config(address["url"], address["key"]))
            self._endpoint_url = address["url"]
            if stale is not None:
                await stale.aclose()
        return self._endpoint

    def _endpoint_config(self, url: str, key: str) -> OpenAICompatibleConfig:
        config = self._config
        return OpenAICompatibleConfig(
            base_url=url,
            model=self.info().model,
            api_key=key,
            first_token_timeout_seconds=config.first_token_timeout_seconds,
            total_timeout_seconds=config.total_timeout_seconds,
            max_tokens=config.max_tokens,
            temperature=config.temperature,
            whole_sentences=True,
            provider=PROVIDER,
            label="built-in model",
            demo=True,
            extra_body={"cache_prompt": True},
        )

    def _prompt(self, messages: Sequence[Message]) -> list[Message]:
        """System prompt (its beginning) and the latest messages (the last one's end), within the budget."""
        config = self._config
        system = "\n".join(message.content for message in messages if message.role == "system").strip()
        system = system[: _characters_within(system, config.system_tokens)] or DEFAULT_SYSTEM_PROMPT
        others = whole_exchanges(messages)
        kept: list[Message] = []
        left_tokens = config.history_tokens
        limits = HistoryLimits(max_messages=config.history_messages)
        for message in reversed(fit_history(others, limits)):
            fits = _characters_within(message.content[::-1], left_tokens)
            if kept and fits < len(message.content):
                break
            kept.append(Message(message.role, message.content[-fits:]))
            left_tokens -= _estimated_tokens(message.content[-fits:])
        kept.reverse()
        if len(kept) > 1 and kept[0].role == "assistant":
            del kept[0]
        return [Message("system", system), *kept]


def _estimated_tokens(text: str) -> int:
    """A generous guess: four ASCII characters to a token, two tokens to any other character."""
    ascii_count = sum(character.isascii() for character in text)
    return ascii_count // 4 + 2 * (len(text) - ascii_count) + 4


def _characters_within(text: str, tokens: int) -> int:
    """How many characters from the beginning of `text` fit into `tokens`; at least one."""
    quarters = 0
    for count, character in enumerate(text):
        quarters += 1 if character.isascii() else 8
        if quarters > 4 * tokens:
            return max(1, count)
    return max(1, len(text))
