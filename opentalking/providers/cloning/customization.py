"""DashScope's voice management, one endpoint with actions.

Alibaba Cloud Model Studio, "Qwen voice cloning API reference" and "CosyVoice voice cloning":
`POST {base}/services/audio/tts/customization` with `{"model", "input": {"action", …}}`; failures carry
`{"code", "message", "request_id"}`.
"""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx2

from opentalking.core.errors import ProviderError, provider_errors

_PATH = "services/audio/tts/customization"
_TEXT_MAX_CHARACTERS = 800
_ANSWER_MAX_BYTES = 1 << 20
_CONNECT_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class DashScopeConfig:
    """An account and where its service is; `timeout_seconds` limits one call as a whole."""

    api_key: str = field(default="", repr=False)
    base_url: str = "https://dashscope.aliyuncs.com/api/v1"
    timeout_seconds: float = 180.0


class Refused(ProviderError):
    """The service answered that it will not; `reason` is its own code."""

    def __init__(self, message: str, *, provider: str, reason: str, retryable: bool, said: str) -> None:
        super().__init__(message, stage="tts", provider=provider, retryable=retryable, said=said)
        self.reason = reason


class Customization:
    """Calls actions of one enrolment model; every failure is a `ProviderError` without the key in it."""

    def __init__(self, config: DashScopeConfig, provider: str, model: str) -> None:
        self._config = config
        self._provider = provider
        self._model = model

    def check(self) -> None:
        """Raise `ProviderError` when no key is set."""
        if not self._config.api_key:
            raise ProviderError(
                f"{self._provider} has no key; set OPENTALKING_TTS_DASHSCOPE_API_KEY",
                stage="tts",
                provider=self._provider,
            )

    async def call(self, action: str, fields: Mapping[str, Any]) -> Mapping[str, Any]:
        """The `output` of an action; raises `ProviderError`, `Refused` with the service's own text."""
        self.check()
        request = {"model": self._model, "input": {"action": action, **fields}}
        body = await asyncio.to_thread(lambda: json.dumps(request).encode())
        with provider_errors("tts", self._provider, httpx2.HTTPError, httpx2.InvalidURL):
            async with asyncio.timeout(self._config.timeout_seconds):
                status, answer = await self._post(body)
        parsed = _parsed(answer)
        if status != httpx2.codes.OK:
            raise self._refusal(status, answer, parsed)
        if parsed is None:
            raise self.error("answered with something that is no JSON object")
        output = parsed.get("output")
        # What the answer to a deletion holds differs, and nothing of it is needed.
        return output if isinstance(output, dict) else {}

    async def _post(self, body: bytes) -> tuple[int, bytes]:
        headers = {"Authorization": f"Bearer {self._config.api_key}", "Content-Type": "application/json"}
        timeout = httpx2.Timeout(self._config.timeout_seconds, connect=_CONNECT_SECONDS)
        url = f"{self._config.base_url.rstrip('/')}/{_PATH}"
        answer = bytearray()
        async with (
            httpx2.AsyncClient(timeout=timeout) as client,
            client.stream("POST", url, content=body, headers=headers) as response,
        ):
            async for chunk in response.aiter_bytes():
                answer += chunk
                if len(answer) > _ANSWER_MAX_BYTES:
                    raise self.error("answered with more than can be read")
            return response.status_code, bytes(answer)

    def error(self, text: str) -> ProviderError:
        """A failure of the service, in words of ours."""
        return ProviderError(f"{self._provider} {text}", stage="tts", provider=self._provider)

    def _refusal(self, status: int, answer: bytes, parsed: Mapping[str, Any] | None) -> Refused:
        reason = str((parsed or {}).get("code") or "")
        if parsed is not None and parsed.get("message"):
            request = f" (request {parsed['request_id']})" if parsed.get("request_id") else ""
            text = f"{reason}: {parsed['message']}{request}"
        else:
            text = answer.decode(errors="replace")
        return Refused(
            f"{self._provider} answered {status}",
            said=self._clean(text),
            provider=self._provider,
            reason=reason,
            retryable=status >= httpx2.codes.INTERNAL_SERVER_ERROR
            or status == httpx2.codes.TOO_MANY_REQUESTS,
        )

    def _clean(self, text: str) -> str:
        """At most 800 characters on one line; a service that repeats the key does not get it published."""
        one_line = " ".join(text.replace(self._config.api_key, "***").split())
        return "".join(filter(str.isprintable, one_line))[:_TEXT_MAX_CHARACTERS] or "(no text)"


def _parsed(answer: bytes) -> Mapping[str, Any] | None:
    try:
        parsed = json.loads(answer)
    except ValueError:
        return None
    return parsed if isinstance(parsed, dict) else None
