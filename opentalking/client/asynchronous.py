"""The client for asyncio."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from functools import wraps
from pathlib import Path
from types import TracebackType
from typing import Any, Concatenate, ParamSpec, Self, TypeVar

import httpx2

from opentalking.client.asynchronous_streams import AsyncAudioStream, AsyncEventFeed
from opentalking.client.audio import AudioExchange, audio_path, websocket_url
from opentalking.client.calls import avatars, recordings, server, sessions, talking, voices
from opentalking.client.downloads import Download
from opentalking.client.errors import ConnectionFailed
from opentalking.client.events import Following
from opentalking.client.transport import (
    DEFAULT_URL,
    DOWNLOAD_BYTES,
    DOWNLOAD_TIMEOUTS,
    authorization,
    http_failures,
    lower_case,
    reply_of,
    request_of,
)
from opentalking.client.wire import Call, FileRequest, refusal
from opentalking.core.audio_stream import DEFAULT_SAMPLE_RATE, ConfigMessage, MetaMessage

P = ParamSpec("P")
T = TypeVar("T")


def _method(build: Callable[P, Call[T]]) -> Callable[Concatenate["AsyncClient", P], Coroutine[Any, Any, T]]:
    """The method of the client that makes this call."""

    @wraps(build)
    async def send(client: "AsyncClient", /, *args: P.args, **kwargs: P.kwargs) -> T:
        return await client.send(build(*args, **kwargs))

    return send


class AsyncClient:
    """A server's API: one method per endpoint. Close it, or use it as a context manager.

    `api_key` is an API key or a session token, for servers that ask for one. Every method raises
    `ApiError` when the server refuses, `ConnectionFailed` when it cannot be reached.
    """

    def __init__(self, base_url: str = DEFAULT_URL, *, api_key: str = "") -> None:
        self._base_url = base_url
        self._api_key = api_key
        self._http = httpx2.AsyncClient(base_url=base_url, headers=authorization(api_key))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections; sessions go on until they are deleted or run out."""
        await self._http.aclose()

    create_token = _method(server.create_token)
    get_health = _method(server.get_health)
    get_healthz = _method(server.get_healthz)
    get_queue_status = _method(server.get_queue_status)
    list_models = _method(server.list_models)
    get_metrics = _method(server.get_metrics)

    list_avatars = _method(avatars.list_avatars)
    get_avatar = _method(avatars.get_avatar)
    get_avatar_preview = _method(avatars.get_avatar_preview)
    create_custom_avatar = _method(avatars.create_custom_avatar)
    delete_avatar = _method(avatars.delete_avatar)
    prewarm_avatar = _method(avatars.prewarm_avatar)
    customize = _method(avatars.customize)
    customize_prompt = _method(avatars.customize_prompt)
    customize_reference = _method(avatars.customize_reference)

    create_session = _method(sessions.create_session)
    get_session = _method(sessions.get_session)
    start_session = _method(sessions.start_session)
    delete_session = _method(sessions.delete_session)
    offer = _method(sessions.offer)

    chat = _method(talking.chat)
    speak = _method(talking.speak)
    transcribe = _method(talking.transcribe)
    speak_audio = _method(talking.speak_audio)
    speak_flashtalk_audio = _method(talking.speak_flashtalk_audio)
    interrupt = _method(talking.interrupt)
    set_listening = _method(talking.set_listening)
    report_playout = _method(talking.report_playout)

    start_recording = _method(recordings.start_recording)
    stop_recording = _method(recordings.stop_recording)
    get_recording = _method(recordings.get_recording)
    create_bundle = _method(recordings.create_bundle)
    get_bundle = _method(recordings.get_bundle)

    preview_voice = _method(voices.preview_voice)
    list_voices = _method(voices.list_voices)
    clone_voice = _method(voices.clone_voice)
    delete_voice = _method(voices.delete_voice)
    get_voice_upload = _method(voices.get_voice_upload)

    async def download_recording(self, session_id: str, target: str | Path, *, format: str = "mp4") -> Path:
        """Save the finished recording (`mp4`), or its captions (`vtt`), as `target`."""
        return await self._download(recordings.download_recording(session_id, format=format), Path(target))

    async def download_bundle(
        self, session_id: str, job_id: str, target: str | Path, *, artifact: str = "bundle"
    ) -> Path:
        """Save a finished artifact (`bundle`, `zip`, `audio` or `video`) as `target`."""
        return await self._download(
            recordings.download_bundle(session_id, job_id, artifact=artifact), Path(target)
        )

    def events(
        self, session_id: str, *, last_event_id: str = "", timeout_seconds: float | None = None
    ) -> AsyncEventFeed:
        """The session's events from now on (or behind `last_event_id`) until it ends; survives drops.

        `timeout_seconds` without an event raise `TimedOut`, noticed with the server's next sign of life
        (every 15 s).
        """
        return AsyncEventFeed(self._http, Following(session_id, last_event_id, timeout_seconds))

    def stream_audio(self, session_id: str, *, sample_rate: int = DEFAULT_SAMPLE_RATE) -> AsyncAudioStream:
        """Let the face speak sound as it is sent."""
        return self._open(session_id, ConfigMessage(sample_rate=sample_rate))

    def converse(
        self,
        session_id: str,
        *,
        voice: str | None = None,
        tts_provider: str | None = None,
        tts_model: str | None = None,
        stt_provider: str | None = None,
    ) -> AsyncAudioStream:
        """Say something to the character: sound (16 kHz) that is recognised as it is sent, then answered."""
        return self._open(
            session_id,
            MetaMessage(
                voice=voice, tts_provider=tts_provider, tts_model=tts_model, stt_provider=stt_provider
            ),
        )

    async def send(self, call: Call[T]) -> T:
        """Send one call of `opentalking.client.calls` and read its answer."""
        with request_of(call) as request, http_failures():
            return call.result(reply_of(await self._http.request(**_read_aside(request))))

    def _open(self, session_id: str, opening: ConfigMessage | MetaMessage) -> AsyncAudioStream:
        url = websocket_url(self._base_url, audio_path(session_id))
        return AsyncAudioStream(url, self._api_key, AudioExchange(opening))

    async def _download(self, wanted: FileRequest, target: Path) -> Path:
        with Download(target) as download:
            while not await self._fetch(wanted, download):
                pass
        return target

    async def _fetch(self, wanted: FileRequest, download: Download) -> bool:
        """Fetch what is missing; false when the connection broke on the way."""
        try:
            with http_failures():
                async with self._http.stream(
                    "GET",
                    wanted.path,
                    params=dict(wanted.query),
                    headers=download.headers(),
                    timeout=DOWNLOAD_TIMEOUTS,
                ) as response:
                    if response.status_code not in (200, 206):
                        await response.aread()
                        raise refusal(reply_of(response))
                    download.begin(response.status_code, lower_case(response.headers))
                    async for piece in response.aiter_raw(DOWNLOAD_BYTES):
                        await asyncio.to_thread(download.write, piece)
        except ConnectionFailed as error:
            await asyncio.sleep(download.broke(error))
            return False
        return download.finish()


def _read_aside(request: dict[str, Any]) -> dict[str, Any]:
    """The same request, but files are read in threads while they are sent."""
    if request["files"] is None:
        return request
    body = httpx2.Request(request["method"], "http://body", files=request["files"])
    assert isinstance(body.stream, httpx2.SyncByteStream)  # noqa: S101 - a form can be read either way
    headers = {name: body.headers[name] for name in ("Content-Type", "Content-Length")}
    return request | {
        "files": None,
        "content": _pieces(iter(body.stream)),
        "headers": request["headers"] | headers,
    }


async def _pieces(pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
    while (piece := await asyncio.to_thread(next, pieces, None)) is not None:
        yield piece
