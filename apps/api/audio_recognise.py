"""The `meta` dialect of the audio WebSocket: samples are recognised and answered."""

from apps.api.audio_socket import AudioSocket
from apps.api.deps import ApiServices
from opentalking.core.audio_stream import EndMessage, MetaMessage
from opentalking.core.errors import ProviderError


async def recognise(
    socket: AudioSocket, services: ApiServices, session_id: str, first: MetaMessage | EndMessage
) -> None:
    """Recognise what the client sends and answer it; raises why that is not possible."""
    raise ProviderError("this server has no speech recogniser yet", stage="stt", provider="none")
