"""The `meta` dialect of the audio WebSocket: samples are recognised and answered."""

import asyncio

import numpy as np

from apps.api.audio_socket import AudioSocket, unexpected
from apps.api.deps import ApiServices
from opentalking.core.audio_stream import ClientMessage, EndMessage, MetaMessage, QueuedMessage
from opentalking.core.commands import VoiceChoice
from opentalking.core.media import Samples
from opentalking.services.recognition import Heard, Listening, Wanted, require_words


async def recognise(
    socket: AudioSocket, services: ApiServices, session_id: str, first: MetaMessage | EndMessage
) -> None:
    """Recognise what the client sends and answer it; raises why that is not possible.

    A client that goes away before its `end` cancels the recognition; after it, it is answered all the same.
    """
    meta = first if isinstance(first, MetaMessage) else MetaMessage()
    voice = VoiceChoice(voice=meta.voice, tts_provider=meta.tts_provider, tts_model=meta.tts_model)
    wanted = Wanted(meta.stt_provider, answer=True, voice=voice)
    async with await services.recognition.listen(session_id, wanted) as listening:
        if isinstance(first, EndMessage):
            heard = await listening.finish()
        else:
            heard = await _hear(socket, listening)
    turn_id = require_words(heard)
    await socket.send(QueuedMessage(session_id=session_id, status="queued", turn_id=turn_id, text=heard.text))


async def _hear(socket: AudioSocket, listening: Listening) -> Heard:
    """What is said until `end`."""
    while True:
        match await _frame(socket, listening):
            case np.ndarray() as samples:
                await listening.put(samples)
            case EndMessage():
                return await listening.finish()
            case message:
                raise unexpected(message)


async def _frame(socket: AudioSocket, listening: Listening) -> Samples | ClientMessage:
    """The client's next frame; raises what the recognition fails with meanwhile."""
    receiving = asyncio.create_task(socket.frame(), name="audio socket")
    try:
        await asyncio.wait({receiving, listening.result}, return_when=asyncio.FIRST_COMPLETED)
        if listening.result.done():
            listening.result.result()
        return await receiving
    finally:
        receiving.cancel()
        await asyncio.wait({receiving})
