"""The catalogue of voices, and what makes cloned ones."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from opentalking.catalog.uploads import SampleUploads
from opentalking.catalog.voices import VoiceCatalog
from opentalking.core.cloning import VoiceCloner
from opentalking.core.providers import TextToSpeech
from opentalking.providers.builtin import SPEECH_ALIASES
from opentalking.providers.cloning.customization import DashScopeConfig
from opentalking.providers.cloning.dashscope import CosyVoiceCloner, QwenCloner
from opentalking.services.voice_clones import CloneConfig, VoiceCloneService
from opentalking.services.voices import VoiceService
from opentalking.settings import Settings


def make_voices(
    settings: Settings, speakers: Mapping[str, TextToSpeech]
) -> tuple[VoiceService, VoiceCloneService]:
    """The services around voices; raises `CatalogError` when the catalogue cannot be used."""
    catalog = VoiceCatalog(settings.database_path)
    catalog.prepare()
    voices = VoiceService(speakers, catalog, SPEECH_ALIASES)
    account = DashScopeConfig(
        api_key=settings.tts_dashscope_api_key.get_secret_value(),
        base_url=settings.tts_dashscope_http_url,
        timeout_seconds=settings.tts_clone_timeout_sec,
    )
    cloners: dict[str, VoiceCloner] = {
        "dashscope": QwenCloner(account),
        "cosyvoice": CosyVoiceCloner(account),
    }
    if isinstance(local := speakers.get("local"), VoiceCloner):
        cloners["local"] = local
    config = CloneConfig(settings.public_base_url, settings.require_consent)
    uploads = SampleUploads(settings.voices_path / "uploads")
    return voices, VoiceCloneService(voices, catalog, cloners, uploads, config, SPEECH_ALIASES)


@asynccontextmanager
async def cloning(voices: VoiceService, clones: VoiceCloneService) -> AsyncIterator[None]:
    """Know the cloned voices and delete expired samples while inside; afterwards none is being made."""
    await voices.load()
    sweeping = asyncio.create_task(clones.run(), name="voice samples")
    try:
        yield
    finally:
        sweeping.cancel()
        await asyncio.gather(sweeping, return_exceptions=True)
        await clones.aclose()
