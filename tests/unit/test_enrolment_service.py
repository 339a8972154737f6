"""The vendor's own SDK works with our stand-in of its service, and ours asks for the same."""

import asyncio
import base64
from collections.abc import AsyncIterator, Callable
from typing import Any

import dashscope
import numpy as np
import pytest
from aiohttp import web
from dashscope.audio.tts_v2 import VoiceEnrollmentService
from dashscope.audio.tts_v2.enrollment import VoiceEnrollmentException
from dashscope.v2 import Client

from opentalking.audio.wav import wav_bytes
from opentalking.core.cloning import VoiceOrder
from opentalking.providers.cloning.customization import DashScopeConfig, Refused
from opentalking.providers.cloning.dashscope import CosyVoiceCloner, QwenCloner
from tests.support.vendors.enrolment import KEY, EnrolmentService

SAMPLE = wav_bytes(np.full(24_000, 900, np.int16), 24_000)


@pytest.fixture
async def vendor() -> AsyncIterator[EnrolmentService]:
    async with EnrolmentService() as service:
        yield service


@pytest.fixture
async def sample_url() -> AsyncIterator[str]:
    """A server that has the sample, and says 404 to every other path."""
    app = web.Application()

    async def sample(_request: web.Request) -> web.Response:
        return web.Response(body=SAMPLE, content_type="audio/wav")

    app.router.add_get("/sample.wav", sample)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}/sample.wav"
    await runner.cleanup()


async def test_the_cosyvoice_sdk_makes_lists_and_deletes_voices(
    vendor: EnrolmentService, sample_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dashscope, "base_http_api_url", vendor.base_url)
    sdk = VoiceEnrollmentService(api_key=KEY)

    async def call(method: Callable[..., Any], *words: Any) -> Any:
        return await asyncio.to_thread(method, *words)

    voice = await call(sdk.create_voice, "cosyvoice-v3-flash", "amy", sample_url)
    assert [listed["voice_id"] for listed in await call(sdk.list_voices)] == [voice]
    assert (await call(sdk.query_voice, voice))["status"] == "OK"
    await call(sdk.update_voice, voice, sample_url)
    assert vendor.samples == [SAMPLE, SAMPLE]
    theirs = vendor.requests[0]
    await call(sdk.delete_voice, voice)
    with pytest.raises(VoiceEnrollmentException, match=r"BadRequest\.ResourceNotExist"):
        await call(sdk.delete_voice, voice)
    with pytest.raises(VoiceEnrollmentException, match=r"InputDownloadFailed"):
        await call(sdk.create_voice, "cosyvoice-v3-flash", "amy", f"{sample_url}.gone")

    # Ours asks for the same.
    cloner = CosyVoiceCloner(DashScopeConfig(KEY, vendor.base_url))
    ours = await cloner.create_voice(VoiceOrder("cosyvoice-v3-flash", "amy", b"", sample_url))
    assert vendor.requests[-1]["input"] == theirs["input"]
    assert vendor.requests[-1]["model"] == theirs["model"]
    await cloner.delete_voice(ours)
    await cloner.delete_voice(ours)
    assert vendor.voices == {}


@pytest.mark.filterwarnings("ignore:dashscope 2.0 audio API is a preview")
async def test_the_sdk_for_voices_with_short_actions_works_with_qwen_enrolment(
    vendor: EnrolmentService,
) -> None:
    # The SDK has no class for Qwen's cloning; voice design has the same actions, envelope and address.
    def use() -> str:
        with Client(api_key=KEY, base_url=vendor.base_url) as client:
            data = f"data:audio/wav;base64,{base64.b64encode(SAMPLE).decode()}"
            made = client.audio.voice_design.create(
                target_model="qwen3-tts-vc",
                voice_prompt="",
                preview_text="",
                preferred_name="amy",
                extra_input={"audio": {"data": data}},
                model="qwen-voice-enrollment",
            )
            voice = made.voice or ""
            client.audio.voice_design.get(voice, model="qwen-voice-enrollment")
            assert len(client.audio.voice_design.list(model="qwen-voice-enrollment").voices) == 1
            client.audio.voice_design.delete(voice, model="qwen-voice-enrollment")
            return voice

    voice = await asyncio.to_thread(use)
    assert voice.startswith("qwen-tts-vc-amy-voice-")
    assert vendor.actions == ["create", "query", "list", "delete"]
    assert vendor.samples == [SAMPLE]
    assert vendor.voices == {}


async def test_a_deletion_is_refused_with_the_vendor_s_own_code(vendor: EnrolmentService) -> None:
    cloner = QwenCloner(DashScopeConfig(KEY, vendor.base_url))
    await cloner.delete_voice("never-there")
    vendor.mode = "refuse"
    with pytest.raises(Refused) as caught:
        await cloner.delete_voice("never-there")
    assert caught.value.reason == "Audio.PreprocessError"
