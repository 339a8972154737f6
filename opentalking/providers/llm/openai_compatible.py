"""Any endpoint that speaks the chat completions protocol of OpenAI."""

import asyncio
import json
from collections.abc import AsyncGenerator, Awaitable, Mapping, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from typing import Any, TypeVar

import openai
from openai.types.chat import ChatCompletionChunk, ChatCompletionMessageParam

from opentalking.core.conversation import ChatModelInfo, Delta, Message
from opentalking.core.errors import OpenTalkingError
from opentalking.providers.llm.answer import AnswerFilter, MalformedAnswer, content_of
from opentalking.providers.llm.failures import Upstream, upstream_text
from opentalking.providers.llm.history import HistoryLimits, fit_history
from opentalking.providers.openai_client import is_loopback, openai_client

PROVIDER = "openai_compatible"
_T = TypeVar("_T")
_Stream = openai.AsyncStream[ChatCompletionChunk]
_CLOSE_TIMEOUT_SECONDS = 1.0
_MAX_BODY_BYTES = 1 << 20
_GREETING = Message("user", "Hello.")


@dataclass(frozen=True, slots=True)
class OpenAICompatibleConfig:
    """An endpoint and how it is used.

    `first_token_timeout_seconds` is the longest silence, before the first token and between two;
    `total_timeout_seconds` limits the time spent waiting for the model, in all (time that the
    reader takes does not count). `max_answer_characters` ends an endless answer; with
    `whole_sentences` an answer cut off by a limit ends with its last whole sentence. `extra_body` goes
    into every request as it is. `label` names the endpoint in messages (default: its host).
    """

    base_url: str
    model: str
    api_key: str = field(default="", repr=False)
    first_token_timeout_seconds: float = 20.0
    total_timeout_seconds: float = 90.0
    max_tokens: int | None = None
    temperature: float | None = None
    max_answer_characters: int = 8_000
    whole_sentences: bool = False
    max_retries: int = 0
    history: HistoryLimits = field(default_factory=HistoryLimits)
    extra_body: Mapping[str, object] = field(default_factory=dict)
    provider: str = PROVIDER
    label: str = ""
    demo: bool = False


class OpenAICompatibleChatModel:
    """A `ChatModel` behind an HTTP endpoint; safe for concurrent replies within one event loop.

    Every failure is a `ProviderError(stage="llm")` that tells what the endpoint said and never its key.
    """

    def __init__(self, config: OpenAICompatibleConfig) -> None:
        self._config = config
        self._upstream = upstream(config)
        self._client: openai.AsyncOpenAI | None = None
        self._closed = False

    def info(self) -> ChatModelInfo:
        """Who answers; that the endpoint is reachable is not checked here."""
        config = self._config
        reason = "" if config.model else "no model is named: set OPENTALKING_LLM_MODEL"
        return ChatModelInfo(config.provider, config.model, config.demo, ready=not reason, reason=reason)

    async def reply(self, messages: Sequence[Message]) -> AsyncGenerator[Delta, None]:
        """Stream the answer without its reasoning; closing the generator closes the connection at once."""
        answer = AnswerFilter(
            self._config.max_answer_characters, whole_sentences=self._config.whole_sentences
        )
        async with aclosing(self._contents(messages)) as contents:
            async for content, finish_reason in contents:
                if text := answer.feed(content, finish_reason):
                    yield Delta(text)
                if answer.full:
                    break
        if text := answer.finish():
            yield Delta(text)
        if not answer.has_text:
            raise self._upstream.error("answered without text", retryable=True)

    async def warm(self, system_prompt: str) -> None:
        """Have a server on this machine load its model; a hosted one is paid per request and left alone."""
        if is_loopback(self._config.base_url):
            await self.read([Message("system", system_prompt), _GREETING])

    async def read(self, messages: Sequence[Message]) -> None:
        """Have the endpoint read a prompt, for its cache; the answer is cut off after one token."""
        # Read to its end: a server takes a moment to free what a cancelled request held.
        async with aclosing(self._contents(messages, max_tokens=1)) as contents:
            async for _ in contents:
                pass

    async def aclose(self) -> None:
        """Close the connections; replies in flight fail. Idempotent."""
        self._closed = True
        client, self._client = self._client, None
        if client is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(_CLOSE_TIMEOUT_SECONDS):
                    await client.close()

    async def _contents(
        self, messages: Sequence[Message], max_tokens: int | None = None
    ) -> AsyncGenerator[tuple[str, str], None]:
        """Content and finish reasons as the endpoint sends them; raises when it ends without a reason."""
        patience = _Patience(self._config)
        with self._upstream.errors("answer"):
            stream = await patience.wait(self._open(messages, max_tokens or self._config.max_tokens))
        finished = False
        try:
            if not _is_event_stream(stream):
                with self._upstream.errors("answer"):
                    whole = await patience.wait(_whole_answer(stream))
                yield whole, "stop"
                return
            while True:
                with self._upstream.errors("token"):
                    chunk = await patience.wait(anext(stream, None))
                    if chunk is None:
                        break
                    content, finish_reason = content_of(chunk)
                finished = finished or bool(finish_reason)
                yield content, finish_reason
        finally:
            await _close(stream)
        if not finished:
            raise self._upstream.error("the stream broke off before the answer was complete", retryable=True)

    async def _open(self, messages: Sequence[Message], max_tokens: int | None) -> _Stream:
        config = self._config
        if self._closed:
            raise self._upstream.error("closed", retryable=False)
        if self._client is None:
            self._client = new_client(config)
        return await self._client.chat.completions.create(
            model=config.model,
            messages=_as_params(fit_history(messages, config.history)),
            stream=True,
            max_tokens=openai.omit if max_tokens is None else max_tokens,
            temperature=openai.omit if config.temperature is None else config.temperature,
            extra_body=dict(config.extra_body) or None,
        )


class _Patience:
    """Limits each wait, and all waits of one answer together."""

    def __init__(self, config: OpenAICompatibleConfig) -> None:
        self._silence_seconds = config.first_token_timeout_seconds
        self._left_seconds = config.total_timeout_seconds

    async def wait(self, awaitable: Awaitable[_T]) -> _T:
        loop = asyncio.get_running_loop()
        began_at = loop.time()
        limit_seconds = min(self._silence_seconds, max(0.0, self._left_seconds))
        try:
            async with asyncio.timeout(limit_seconds):
                return await awaitable
        except TimeoutError as error:
            raise TimeoutError(f"{limit_seconds:g} s") from error
        finally:
            self._left_seconds -= loop.time() - began_at


def upstream(config: OpenAICompatibleConfig) -> Upstream:
    """Whom failures of this endpoint are about."""
    return Upstream(config.provider, config.base_url, config.api_key, config.label)


def new_client(config: OpenAICompatibleConfig) -> openai.AsyncOpenAI:
    """A client of the SDK for this endpoint."""
    return openai_client(
        config.base_url, config.api_key, config.total_timeout_seconds, max_retries=config.max_retries
    )


def _as_params(messages: Sequence[Message]) -> list[ChatCompletionMessageParam]:
    params: list[ChatCompletionMessageParam] = []
    for message in messages:
        if message.role == "system":
            params.append({"role": "system", "content": message.content})
        elif message.role == "user":
            params.append({"role": "user", "content": message.content})
        else:
            params.append({"role": "assistant", "content": message.content})
    return params


def _is_event_stream(stream: _Stream) -> bool:
    kind = stream.response.headers.get("content-type", "text/event-stream")
    return "event-stream" in kind.lower()


async def _whole_answer(stream: _Stream) -> str:
    """The text of an endpoint that does not stream but sends one JSON completion."""
    body = b""
    async for part in stream.response.aiter_bytes():
        body += part
        if len(body) > _MAX_BODY_BYTES:
            raise MalformedAnswer("sent too long a body")
    text = body.decode(errors="replace")
    try:
        answer: Any = json.loads(text)
        content = answer["choices"][0]["message"]["content"]
    except (ValueError, KeyError, IndexError, TypeError) as error:
        kind = stream.response.headers.get("content-type", "no type")
        said = upstream_text(
            answer if text.lstrip().startswith("{") and isinstance(error, KeyError) else None, text
        )
        raise MalformedAnswer(f"sent {kind} instead of a stream", said=said) from error
    if not isinstance(content, str):
        raise MalformedAnswer("answered without text")
    return content


async def _close(stream: _Stream) -> None:
    """Close the connection, then let the SDK's generators run out, so that none is left to the collector."""
    with suppress(TimeoutError):
        async with asyncio.timeout(_CLOSE_TIMEOUT_SECONDS):
            await stream.close()
            with suppress(openai.OpenAIError, OpenTalkingError, OSError, ValueError, RuntimeError):
                async for _ in stream:
                    pass
