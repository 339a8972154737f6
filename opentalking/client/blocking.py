"""The client for programs without an event loop."""

import time
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from types import TracebackType
from typing import Concatenate, ParamSpec, Self, TypeVar

import httpx2

from opentalking.client.audio import AudioExchange, audio_path, websocket_url
from opentalking.client.blocking_streams import AudioStream, EventFeed
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


def _method(build: Callable[P, Call[T]]) -> Callable[Concatenate["Client", P], T]:
    """The method of the client that makes this call."""

    @wraps(build)
    def send(client: "Client", /, *args: P.args, **kwargs: P.kwargs) -> T:
        return client.send(build(*args, **kwargs))

    return send


class Client:
    """A server's API: one method per endpoint. Close it, or use it as a context manager.

    `api_key` is an API key or a session token, for servers that ask for one. Every method raises
    `ApiError` when the server refuses, `ConnectionFailed` when it cannot be reached.
    """

    def __init__(self, base_url: str = DEFAULT_URL, *, api_key: str = "") -> None:
        self._base_url = base_url
        self._api_key = api_key
        self._http = httpx2.Client(base_url=base_url, headers=authorization(api_key))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections; sessions go on until they are deleted or run out."""
        self._http.close()

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

    def download_recording(self, session_id: str, target: str | Path, *, format: str = "mp4") -> Path:
        """Save the finished recording (`mp4`), or its captions (`vtt`), as `target`."""
        return self._download(recordings.download_recording(session_id, format=format), Path(target))

    def download_bundle(
        self, session_id: str, job_id: str, target: str | Path, *, artifact: str = "bundle"
    ) -> Path:
        """Save a finished artifact (`bundle`, `zip`, `audio` or `video`) as `target`."""
        return self._download(recordings.download_bundle(session_id, job_id, artifact=artifact), Path(target))

    def events(
        self, session_id: str, *, last_event_id: str = "", timeout_seconds: float | None = None
    ) -> EventFeed:
        """The session's events from now on (or behind `last_event_id`) until it ends; survives drops.

        `timeout_seconds` without an event raise `TimedOut`, noticed with the server's next sign of life
        (every 15 s).
        """
        return EventFeed(self._http, Following(session_id, last_event_id, timeout_seconds))

    def stream_audio(self, session_id: str, *, sample_rate: int = DEFAULT_SAMPLE_RATE) -> AudioStream:
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
    ) -> AudioStream:
        """Say something to the character: sound (16 kHz) that is recognised as it is sent, then answered."""
        return self._open(
            session_id,
            MetaMessage(
                voice=voice, tts_provider=tts_provider, tts_model=tts_model, stt_provider=stt_provider
            ),
        )

    def send(self, call: Call[T]) -> T:
        """Send one call of `opentalking.client.calls` and read its answer."""
        with request_of(call) as request, http_failures():
            return call.result(reply_of(self._http.request(**request)))

    def _open(self, session_id: str, opening: ConfigMessage | MetaMessage) -> AudioStream:
        url = websocket_url(self._base_url, audio_path(session_id))
        return AudioStream(url, self._api_key, AudioExchange(opening))

    def _download(self, wanted: FileRequest, target: Path) -> Path:
        with Download(target) as download:
            while not self._fetch(wanted, download):
                pass
        return target

    def _fetch(self, wanted: FileRequest, download: Download) -> bool:
        """Fetch what is missing; false when the connection broke on the way."""
        try:
            with (
                http_failures(),
                self._http.stream(
                    "GET",
                    wanted.path,
                    params=dict(wanted.query),
                    headers=download.headers(),
                    timeout=DOWNLOAD_TIMEOUTS,
                ) as response,
            ):
                if response.status_code not in (200, 206):
                    response.read()
                    raise refusal(reply_of(response))
                download.begin(response.status_code, lower_case(response.headers))
                for piece in response.iter_raw(DOWNLOAD_BYTES):
                    download.write(piece)
        except ConnectionFailed as error:
            time.sleep(download.broke(error))
            return False
        return download.finish()
