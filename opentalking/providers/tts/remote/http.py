"""Sound as the body of an HTTP answer."""

import json
from collections.abc import AsyncGenerator, Mapping
from typing import Any

import httpx2

from opentalking.providers.tts.remote.service import VoiceService, text_of

_MAX_ERROR_BYTES = 16 * 1024


async def posted(
    client: httpx2.AsyncClient,
    service: VoiceService,
    url: str,
    body: Mapping[str, Any],
    headers: Mapping[str, str],
) -> AsyncGenerator[bytes, None]:
    """The bytes of the answer to a JSON request, as they come; raises `ProviderError` for an error status."""
    async with client.stream("POST", url, json=dict(body), headers=dict(headers)) as answer:
        if answer.status_code >= 300:
            raise service.status_error(answer.status_code, await _told(answer))
        async for chunk in answer.aiter_bytes():
            yield chunk


async def _told(answer: httpx2.Response) -> str:
    raw = b""
    async for chunk in answer.aiter_bytes():
        raw += chunk
        if len(raw) > _MAX_ERROR_BYTES:
            break
    text = raw.decode(errors="replace")
    try:
        return text_of(json.loads(text), text)
    except ValueError:
        return text
