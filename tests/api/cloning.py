"""The API with cloning, at a server that makes voices as DashScope does."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import numpy as np

from opentalking.audio.wav import wav_bytes
from opentalking.core.cloning import VoiceCloner
from opentalking.providers.cloning.customization import DashScopeConfig
from opentalking.providers.cloning.dashscope import CosyVoiceCloner, QwenCloner
from opentalking.providers.tts.local import LocalSpeechConfig, LocalTextToSpeech
from opentalking.services.voice_clones import CloneConfig, VoiceCloneService
from tests.api.harness import NAMES, Api
from tests.support.vendors.enrolment import KEY, EnrolmentService

HUMAN = next((Path(__file__).parents[1] / "data" / "librivox").glob("*0870.wav")).read_bytes()
FORM = {"provider": "dashscope", "target_model": "qwen3-tts-vc", "display_label": "Amy"}
COSYVOICE = FORM | {"provider": "cosyvoice", "target_model": "cosyvoice-v3-flash"}


def sound(seconds: float, level: float = 0.3, rate: int = 16_000) -> bytes:
    times = np.arange(round(seconds * rate)) / rate
    return wav_bytes((level * 32767 * np.sin(2 * np.pi * 200 * times)).astype(np.int16), rate)


def file(data: bytes = HUMAN, name: str = "amy.wav") -> dict[str, Any]:
    return {"audio": (name, data, "application/octet-stream")}


def equip(
    api: Api, vendor: EnrolmentService, url: str = "", key: str = KEY, **changes: Any
) -> VoiceCloneService:
    """Let the API clone voices at `vendor`; `url` is where that finds the API."""
    account = DashScopeConfig(key, vendor.base_url, timeout_seconds=changes.pop("timeout_seconds", 10.0))
    cloners: dict[str, VoiceCloner] = {
        "dashscope": QwenCloner(account),
        "cosyvoice": CosyVoiceCloner(account),
        "local": LocalTextToSpeech(LocalSpeechConfig(Path("/nonexistent"))),
    }
    api.services.clones = VoiceCloneService(
        api.services.voices,
        changes.pop("catalog", api.voice_catalog),
        cloners,
        api.uploads,
        CloneConfig(url, **changes),
        NAMES.aliases,
    )
    return api.services.clones


@asynccontextmanager
async def reachable(api: Api, vendor: EnrolmentService, **changes: Any) -> AsyncIterator[httpx.AsyncClient]:
    """The API on a port, where the vendor finds it."""
    async with api.served() as url, httpx.AsyncClient(base_url=url, timeout=20) as client:
        service = equip(api, vendor, f"{url}/", **changes)
        yield client
        await service.aclose()


async def clones(client: httpx.AsyncClient) -> list[dict[str, Any]]:
    items = (await client.get("/voices")).json()["items"]
    found = [item for item in items if item["source"] == "clone"]
    assert items[-len(found) :] == found if found else True, "system voices come first"
    return found
