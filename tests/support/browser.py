"""The page in headless Chromium, and what a person in front of it would see and hear.

    async with Chromium() as chromium, chromium.visit(server.url) as page:
        await page.live()
        ... page.events, page.hear(...), page.look(...) ...

Times are seconds of the page's clock (`performance.now()`).
"""

import asyncio
import base64
import json
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlencode

import numpy as np
import psutil
from numpy.typing import NDArray
from playwright.async_api import Browser, ConsoleMessage, Page, Playwright, async_playwright

import opentalking
from tests.support.heard_events import Event

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-backgrounding-occluded-windows",
    "--disable-renderer-backgrounding",
    # Both are needed before Chromium offers 127.0.0.1 as a media address.
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
    "--allow-loopback-in-peer-connection",
    "--autoplay-policy=no-user-gesture-required",
)
NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
PROBE = Path(__file__).with_name("probe.js").read_text(encoding="utf-8")
MOUTH_COLUMNS, MOUTH_ROWS = 48, 32
LOUD = 0.01
"""Root mean square, of 1, of a sound that is heard (a voice has 0.05..0.2)."""

Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Chunk:
    """10 ms or so of sound, and when it arrived."""

    at: float
    rate: int
    samples: NDArray[np.float32]

    @property
    def level(self) -> float:
        return float(np.sqrt(np.mean(np.square(self.samples))))


@dataclass(frozen=True)
class Shown:
    """A picture: when it was shown, grey pixels of the mouth (rows, columns), mean colour of it all."""

    at: float
    media_seconds: float
    mouth: NDArray[np.uint8]
    colour: tuple[float, float, float]


class Chromium:
    """One headless browser."""

    def __init__(self) -> None:
        self._playwright: Playwright | None = None
        self._browser: Browser | None = None
        self._processes: list[psutil.Process] = []

    async def __aenter__(self) -> Self:
        path = next(filter(None, map(shutil.which, NAMES)), None)
        assert path, f"a browser is needed: none of {', '.join(NAMES)} is installed (apt-get install chromium)"
        before = set(psutil.Process().children(recursive=True))
        self._playwright = await async_playwright().start()
        self._browser = await self._playwright.chromium.launch(
            executable_path=path, headless=True, args=list(FLAGS)
        )
        started = set(psutil.Process().children(recursive=True)) - before
        self._processes = [process for process in started if "chrom" in process.name()]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._browser is not None
        assert self._playwright is not None
        await self._browser.close()
        await self._playwright.stop()

    def kill(self) -> None:
        """End this browser without giving it time to say goodbye to anybody."""
        for process in self._processes:
            if process.is_running():
                process.kill()

    @asynccontextmanager
    async def visit(self, url: str, *, avatar: str = "", autostart: bool = True) -> AsyncIterator["Visit"]:
        """The page, as a visitor of its own sees it; errors in its console fail the test."""
        assert self._browser is not None
        context = await self._browser.new_context(viewport={"width": 900, "height": 800}, locale="en-US")
        await context.add_init_script(PROBE)
        visit = Visit(await context.new_page(), url)
        try:
            wishes = {"autostart": "1" if autostart else "", "avatar": avatar}
            await visit.open({name: value for name, value in wishes.items() if value})
            yield visit
            assert not visit.complaints, f"the page's console: {visit.complaints}"
        finally:
            if self._browser.is_connected():
                await context.close()


class Visit:
    """A page with its probe."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.complaints: list[str] = []
        self.expected_complaints: tuple[str, ...] = ()
        self._url = url
        page.on("console", self._on_console)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type == "error" and not any(word in message.text for word in self.expected_complaints):
            self.complaints.append(f"{message.text} ({message.location.get('url', '')})")

    async def open(self, wishes: dict[str, str]) -> None:
        await self.page.goto(f"{self._url}/?{urlencode(wishes)}")

    # -- the page itself

    async def live(self, timeout_seconds: float = 20.0) -> None:
        """Wait until the live picture is shown."""
        await self.page.wait_for_selector(
            "[data-testid=stage][data-state=live]", timeout=timeout_seconds * 1000
        )

    async def status(self, *words: str, timeout_seconds: float = 15.0) -> None:
        """Wait for one of these words in the status line."""
        selector = ", ".join(f"[data-testid=status][data-status={word}]" for word in words)
        await self.page.wait_for_selector(selector, timeout=timeout_seconds * 1000)

    async def session_id(self) -> str:
        found: str = await self.page.evaluate("window.__opentalking.sessionId")
        return found

    async def states(self) -> list[str]:
        """What the stage has shown so far, one after another."""
        found: list[str] = await self.page.evaluate("window.__probe.states")
        return found

    async def now(self) -> float:
        return float(await self.page.evaluate("window.__probe.now()")) / 1000

    # -- the API, from within the page

    async def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """`status`, `body`, and `asked` and `answered` in seconds; `{id}` in the path is the session's."""
        path = path.replace("{id}", await self.session_id())
        answer: dict[str, Any] = await self.page.evaluate("window.__probe.call", [method, path, body])
        return {**answer, "asked": answer["asked"] / 1000, "answered": answer["answered"] / 1000}

    async def say(self, text: str) -> str:
        """Let the avatar say this; the turn's id."""
        answer = await self.call("POST", "/sessions/{id}/speak", {"text": text})
        assert answer["status"] == 200, answer
        turn: str = answer["body"]["turn_id"]
        return turn

    # -- events

    async def events(self, turn_id: str | None = None) -> list[Event]:
        """The events so far, of one turn or all."""
        raw = await self.page.evaluate("window.__probe.events")
        found = [
            Event(item["name"], item["data"], int(item["id"] or -1), item["at"] / 1000) for item in raw
        ]
        return [event for event in found if turn_id is None or event.turn_id == turn_id]

    async def event(self, name: str, turn_id: str | None = None, timeout_seconds: float = 20.0) -> Event:
        """Wait for the first such event."""
        await self.page.wait_for_function(
            "([name, turn]) => window.__probe.events.some("
            "(event) => event.name === name && (turn === null || event.data.turn_id === turn))",
            arg=[name, turn_id],
            timeout=timeout_seconds * 1000,
            polling=20,
        )
        return next(event for event in await self.events(turn_id) if event.name == name)

    # -- sound

    async def listen(self) -> None:
        """Begin to keep the sound."""
        await self.page.evaluate("window.__probe.listen()")

    async def sound(self, begin: float, end: float) -> list[Chunk]:
        """The sound that arrived in a span."""
        raw = await self.page.evaluate("window.__probe.sound", [begin * 1000, end * 1000])
        return [
            Chunk(at / 1000, int(rate), np.frombuffer(base64.b64decode(data), np.int16).astype(np.float32) / 32768)
            for at, rate, data in raw
        ]

    async def loud_after(self, moment: float, timeout_seconds: float = 10.0) -> Chunk:
        """Wait for the first loud chunk after a moment."""
        async with asyncio.timeout(timeout_seconds):
            while True:
                for chunk in await self.sound(moment, moment + 3600):
                    if chunk.level > LOUD:
                        return chunk
                await asyncio.sleep(0.05)

    async def silent_for(self, seconds: float, timeout_seconds: float = 10.0) -> None:
        """Wait until nothing loud has come for a while."""
        async with asyncio.timeout(timeout_seconds):
            while True:
                now = await self.now()
                chunks = await self.sound(now - seconds, now)
                if chunks and max(chunk.level for chunk in chunks) < LOUD:
                    return
                await asyncio.sleep(seconds / 4)

    async def last_loud(self, after: float) -> float:
        """When the last loud chunk after a moment arrived; that moment if none did."""
        return max((chunk.at for chunk in await self.sound(after, after + 60) if chunk.level > LOUD), default=after)

    # -- pictures

    async def watch(self, box: Box) -> None:
        """Begin to keep the grey pixels of a box of each picture."""
        await self.page.evaluate(
            "window.__probe.watch", {"box": list(box), "columns": MOUTH_COLUMNS, "rows": MOUTH_ROWS}
        )

    async def pictures(self, begin: float, end: float) -> list[Shown]:
        """The pictures shown in a span."""
        raw = await self.page.evaluate("window.__probe.pictures", [begin * 1000, end * 1000])
        shape = (MOUTH_ROWS, MOUTH_COLUMNS)
        return [
            Shown(at / 1000, media, np.frombuffer(base64.b64decode(grey), np.uint8).reshape(shape), tuple(colour))
            for at, media, grey, colour in raw
        ]

    async def statistics(self) -> dict[str, dict[str, Any]]:
        """The browser's statistics of the received video and audio."""
        found: dict[str, dict[str, Any]] = await self.page.evaluate("window.__probe.stats()")
        return found

    async def frames_per_second(self, seconds: float) -> float:
        """Pictures decoded per second over the next `seconds`."""
        before = (await self.statistics())["video"]
        await asyncio.sleep(seconds)
        after = (await self.statistics())["video"]
        elapsed = (after["timestamp"] - before["timestamp"]) / 1000
        return float((after["framesDecoded"] - before["framesDecoded"]) / elapsed)


def mouth_box(manifest: dict[str, Any]) -> Box:
    """Where an avatar's mouth moves, from its manifest: x, y, width, height in 0..1."""
    animation = manifest["metadata"]["animation"]
    x, y = animation["mouth_center"]
    half_width, half_height = animation["mouth_rx"], 2 * animation["mouth_ry"]
    return (x - half_width, y - half_height, 2 * half_width, 2.5 * half_height)


def manifest_of(bundle: Path) -> dict[str, Any]:
    manifest: dict[str, Any] = json.loads((bundle / "manifest.json").read_text(encoding="utf-8"))
    return manifest


DEMO = Path(opentalking.__file__).parent / "assets" / "avatars" / "demo-avatar"
DEMO_MOUTH = mouth_box(manifest_of(DEMO))
