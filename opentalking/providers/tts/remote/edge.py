"""The voices of Microsoft Edge's "read aloud", by the package `edge-tts` (an extra); no key."""

import importlib.util
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass

from opentalking.core.conversation import Voice
from opentalking.core.media import Speech
from opentalking.providers.tts.presets import EDGE_VOICES
from opentalking.providers.tts.remote.service import CONNECT_SECONDS, SILENCE_SECONDS, VoiceService, spoken
from opentalking.providers.tts.remote.sound import Mp3Decoder


@dataclass(frozen=True, slots=True)
class EdgeConfig:
    """The voice of those who name none."""

    voice: str = "zh-CN-XiaoxiaoNeural"


class EdgeSpeech:
    """`TextToSpeech` by Microsoft's public read-aloud service; needs the internet."""

    name = "edge"

    def __init__(self, config: EdgeConfig) -> None:
        self._config = config
        self._service = VoiceService(self.name)

    def ready(self) -> str:
        """ "" when the package is installed."""
        return "" if importlib.util.find_spec("edge_tts") else "install it: pip install 'opentalking[edge]'"

    def voices(self) -> Sequence[Voice]:
        """Some of the service's voices; every other one can be named, too."""
        return [] if self.ready() else EDGE_VOICES

    async def speak(
        self, text: str, voice: str | None = None, model: str | None = None
    ) -> AsyncGenerator[Speech, None]:
        """Speak `text` in pieces at 24 kHz; raises `ProviderError`."""
        if trouble := self.ready():
            raise self._service.error(trouble, retryable=False)
        with self._service.errors():
            sound = self._sound(text, voice or self._config.voice)
            async with aclosing(spoken(text, sound, Mp3Decoder())) as pieces:
                async for piece in pieces:
                    yield piece

    async def _sound(self, text: str, voice: str) -> AsyncGenerator[bytes, None]:
        import aiohttp  # noqa: PLC0415 - comes with the extra
        import edge_tts  # noqa: PLC0415 - an extra
        from edge_tts.exceptions import EdgeTTSException  # noqa: PLC0415

        try:
            communicate = edge_tts.Communicate(
                text, voice, connect_timeout=int(CONNECT_SECONDS), receive_timeout=int(SILENCE_SECONDS)
            )
            async with aclosing(communicate.stream()) as messages:
                async for message in messages:
                    if message["type"] == "audio":
                        yield message["data"]
        except (EdgeTTSException, aiohttp.ClientError) as error:
            raise self._service.error(type(error).__name__, said=str(error)) from error

    async def warm(self, voices: Sequence[str] = ()) -> None:
        """Nothing to prepare: each sentence has a connection of its own."""

    async def aclose(self) -> None:
        """Nothing is kept open."""
