"""A client of the HTTP API without a browser: requests, and the event stream of a session.

async with ApiSession(server.url) as session:
    turn = await session.speak("Hello.")
    await session.event("speech.ended", turn)
"""

import asyncio
import json
import time
from types import TracebackType
from typing import Any, Self

import httpx

from tests.support.heard_events import Event
from tests.support.rtc_client import RtcClient

REQUEST_SECONDS = 20.0


class ApiSession:
    """One session: created on entry and deleted on exit; or an existing one, only watched.

    It speaks with the quickest voice, unless another is named (None: the avatar's own).
    """

    def __init__(
        self,
        url: str,
        avatar: str = "demo-avatar",
        model: str = "portrait",
        *,
        session_id: str = "",
        voice: str | None = "en_US-joe-medium",
    ) -> None:
        self.http = httpx.AsyncClient(base_url=url, timeout=httpx.Timeout(REQUEST_SECONDS, read=60.0))
        self.id = session_id
        self._owned = not session_id
        self.events: list[Event] = []
        self.stream_ended = asyncio.Event()
        self._body = {"avatar_id": avatar, "model": model, "tts_voice": voice}
        self._changed = asyncio.Event()
        self._reader: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        try:
            if self._owned:
                created = await self.http.post("/sessions", json=self._body)
                assert created.status_code == 200, created.text
                self.id = created.json()["session_id"]
            subscribed = asyncio.Event()
            self._reader = asyncio.create_task(self._read(subscribed))
            async with asyncio.timeout(REQUEST_SECONDS):
                await subscribed.wait()
        except BaseException:
            await self.http.aclose()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._reader is not None
        try:
            if self._owned:
                await self.http.delete(f"/sessions/{self.id}")
        except httpx.HTTPError:
            if error is None:
                raise
        finally:
            self._reader.cancel()
            await asyncio.gather(self._reader, return_exceptions=True)
            await self.http.aclose()

    async def post(self, path: str, **body: Any) -> httpx.Response:
        """POST to a path below the session."""
        return await self.http.post(f"/sessions/{self.id}/{path}", json=body)

    async def speak(self, text: str, **more: Any) -> str:
        """Say a text; the turn's id."""
        return await self._turn("speak", text=text, **more)

    async def chat(self, prompt: str, **more: Any) -> str:
        """Ask; the turn's id."""
        return await self._turn("chat", prompt=prompt, **more)

    async def connect(self, client: RtcClient) -> None:
        """Offer, and wait until pictures come."""
        answer = await self.post("webrtc/offer", sdp=await client.offer(), type="offer")
        assert answer.status_code == 200, answer.text
        await client.accept(answer.json()["sdp"])
        await client.until(lambda: bool(client.pictures and client.sound), timeout_seconds=20)

    async def event(
        self, label: str, turn_id: str | None = None, timeout_seconds: float = 20.0, *, after: float = 0.0
    ) -> Event:
        """Wait for the first event with this label, e.g. "speech.ended" or "tts first_audio"."""
        try:
            async with asyncio.timeout(timeout_seconds):
                while True:
                    for event in self.turn(turn_id):
                        if event.label == label and event.at > after:
                            return event
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            seen = [event.label for event in self.turn(turn_id) if event.name != "frame"]
            raise AssertionError(f"no {label!r} within {timeout_seconds:g} s, only {seen}") from None

    async def ended(self, turn_id: str, timeout_seconds: float = 30.0) -> list[Event]:
        """Wait until the turn is over; all its events."""
        await self.event("speech.ended", turn_id, timeout_seconds)
        await self.event("status idle", turn_id)
        return self.turn(turn_id)

    def turn(self, turn_id: str | None) -> list[Event]:
        """The events of a turn so far, or all."""
        return [event for event in self.events if turn_id is None or event.turn_id == turn_id]

    async def _turn(self, path: str, **body: Any) -> str:
        answer = await self.post(path, **body)
        assert answer.status_code == 200, answer.text
        turn: str = answer.json()["turn_id"]
        return turn

    async def _read(self, subscribed: asyncio.Event) -> None:
        name, identifier = "", -1
        try:
            async with self.http.stream("GET", f"/sessions/{self.id}/events") as response:
                assert response.status_code == 200
                subscribed.set()
                async for line in response.aiter_lines():
                    field, _, value = line.partition(":")
                    value = value.removeprefix(" ")
                    if field == "event":
                        name = value
                    elif field == "id":
                        identifier = int(value)
                    elif field == "data" and name != "ping":
                        self.events.append(Event(name, json.loads(value), identifier, time.monotonic()))
                        self._changed.set()
        except httpx.TransportError:
            pass  # the server went away; `stream_ended` says so
        finally:
            self.stream_ended.set()
            self._changed.set()
