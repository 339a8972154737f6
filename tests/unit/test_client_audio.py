"""The client's audio streams against a server that speaks the protocol, well or badly."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from http import HTTPStatus

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request, Response

from opentalking.client import (
    AsyncAudioStream,
    AudioStream,
    NotFound,
    StreamClosed,
    TimedOut,
    Unauthorized,
)
from opentalking.client.audio import AudioExchange, audio_path, frames, websocket_url
from opentalking.core.audio_stream import (
    ConfigMessage,
    EndMessage,
    EosMessage,
    InterruptMessage,
    MetaMessage,
    parse_client_message,
)
from tests.support.either_client import KINDS, EitherClient

pytestmark = pytest.mark.parametrize("kind", KINDS)
SECOND = bytes(32_000)
Talk = Callable[[ServerConnection], Awaitable[None]]


@asynccontextmanager
async def speaking(talk: Talk) -> AsyncIterator[str]:
    """A server of audio streams; asks for the key "k" when the session is called "secret"."""

    def check(connection: ServerConnection, request: Request) -> Response | None:
        if request.path == "/api/sessions/secret/speak_audio_stream":
            if request.headers.get("Authorization") == "Bearer k":
                return None
            return connection.respond(HTTPStatus.UNAUTHORIZED, '{"detail":"an API key is required"}')
        if request.path != "/api/sessions/s/speak_audio_stream":
            return connection.respond(HTTPStatus.NOT_FOUND, '{"detail":"Not Found"}')
        return None

    async with serve(talk, "127.0.0.1", 0, process_request=check) as server:
        yield f"http://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}/api"


async def say(socket: ServerConnection, **message: object) -> None:
    await socket.send(json.dumps(message))


async def refuse(socket: ServerConnection, close_code: int, code: str, message: str) -> None:
    await say(socket, type="error", code=code, message=message, error=message)
    await socket.close(close_code)


async def test_sound_drives_the_face_until_all_was_played(kind: str) -> None:
    seen: list[object] = []

    async def play(socket: ServerConnection) -> None:
        async for frame in socket:
            if isinstance(frame, bytes):
                seen.append(len(frame))
                continue
            message = parse_client_message(frame)
            seen.append(message)
            if isinstance(message, ConfigMessage):
                await say(socket, type="ack")
            if isinstance(message, EosMessage):
                await socket.close(1000)

    async with (
        speaking(play) as url,
        EitherClient(kind, url) as client,
        client.sound("stream_audio", "s", sample_rate=24_000) as sound,
    ):
        await sound.send(SECOND * 2 + b"odd")
        await sound.interrupt()
        await sound.send(bytearray(640))
        assert await sound.finish() is None
    assert seen == [
        ConfigMessage(sample_rate=24_000),
        32_000,
        32_000,
        3,
        InterruptMessage(),
        640,
        EosMessage(),
    ]


async def test_what_is_said_is_answered(kind: str) -> None:
    seen: list[object] = []

    async def listen(socket: ServerConnection) -> None:
        async for frame in socket:
            seen.append(len(frame) if isinstance(frame, bytes) else parse_client_message(frame))
            if seen[-1] == EndMessage():
                await say(socket, session_id="s", status="queued", text="What is the time?")
                await socket.close(1000)

    async with (
        speaking(listen) as url,
        EitherClient(kind, url) as client,
        client.sound("converse", "s", voice="joe", stt_provider="local") as sound,
    ):
        await sound.send(SECOND)
        queued = await sound.finish()
        assert (queued.session_id, queued.text) == ("s", "What is the time?")
    assert seen == [MetaMessage(voice="joe", stt_provider="local"), 32_000, EndMessage()]


async def test_the_servers_words_are_raised(kind: str) -> None:
    async def turn_away(socket: ServerConnection) -> None:
        await refuse(socket, 4004, "not_found", "session not found")

    async with speaking(turn_away) as url, EitherClient(kind, url) as client:
        with pytest.raises(StreamClosed) as closed:
            async with client.sound("stream_audio", "s"):
                pass
        assert (closed.value.close_code, closed.value.code) == (4004, "not_found")
        assert closed.value.detail == "session not found"

    async def take_over(socket: ServerConnection) -> None:
        await socket.recv()
        await say(socket, type="ack")
        await socket.recv()
        await refuse(socket, 4409, "interrupted", "another turn took over")

    async with speaking(take_over) as url, EitherClient(kind, url) as client:
        async with client.sound("stream_audio", "s") as sound:
            await sound.send(SECOND)
            with pytest.raises(StreamClosed, match="4409 another turn took over"):
                await sound.finish()
        async with client.sound("stream_audio", "s") as sound:
            with pytest.raises(StreamClosed, match="4409 another turn took over"):
                await send_for_ever(sound.send)


async def send_for_ever(send: Callable[[bytes], Awaitable[None]]) -> None:
    async with asyncio.timeout(20):
        while True:
            await send(SECOND)
            await asyncio.sleep(0.01)


async def test_a_connection_that_breaks_or_hangs_is_told_apart(kind: str) -> None:
    async def vanish(socket: ServerConnection) -> None:
        await socket.recv()
        await say(socket, type="ack")
        socket.transport.abort()

    async with speaking(vanish) as url, EitherClient(kind, url) as client:  # noqa: SIM117 - reads better
        async with client.sound("stream_audio", "s") as sound:
            with pytest.raises(StreamClosed, match="1006"):
                await sound.finish()

    async def hang(socket: ServerConnection) -> None:
        await socket.wait_closed()

    async with speaking(hang) as url, EitherClient(kind, url) as client:  # noqa: SIM117 - reads better
        async with client.sound("converse", "s") as sound:
            with pytest.raises(TimedOut, match="within"):
                await sound.finish(timeout_seconds=0.2)


async def test_a_server_that_takes_no_more_sound(kind: str) -> None:
    released = asyncio.Event()

    async def doze(socket: ServerConnection) -> None:
        await socket.recv()
        await say(socket, type="ack")
        await released.wait()
        socket.transport.abort()

    def send_in_vain(url: str) -> None:
        with AudioStream(url, "", AudioExchange(ConfigMessage()), send_seconds=0.3) as sound:
            while True:
                sound.send(SECOND)

    async def send_in_vain_too(url: str) -> None:
        async with AsyncAudioStream(url, "", AudioExchange(ConfigMessage()), send_seconds=0.3) as sound:
            while True:
                await sound.send(SECOND)

    async with speaking(doze) as url:
        address = websocket_url(url, audio_path("s"))
        sending = (
            asyncio.to_thread(send_in_vain, address) if kind == "blocking" else send_in_vain_too(address)
        )
        with pytest.raises(TimedOut, match="takes no more sound"):
            await sending
        released.set()


async def test_refused_handshakes_and_keys(kind: str) -> None:
    async def greet(socket: ServerConnection) -> None:
        await socket.recv()
        await say(socket, type="ack")
        await socket.wait_closed()

    async with speaking(greet) as url:
        async with EitherClient(kind, url) as client:
            with pytest.raises(NotFound, match="Not Found"):
                async with client.sound("stream_audio", "other"):
                    pass
            with pytest.raises(Unauthorized, match="an API key is required"):
                async with client.sound("stream_audio", "secret"):
                    pass
        async with EitherClient(kind, url, api_key="k") as client, client.sound("stream_audio", "secret"):
            pass


def test_addresses_and_frames(kind: str) -> None:
    assert kind
    assert websocket_url("https://host/api/", "/x") == "wss://host/api/x"
    assert websocket_url("http://127.0.0.1:8000", "/x") == "ws://127.0.0.1:8000/x"
    with pytest.raises(ValueError, match="http"):
        websocket_url("host:8000", "/x")
    assert [len(frame) for frame in frames(bytes(64_001))] == [32_000, 32_000, 1]
