"""The page in headless Chromium, and what a person in front of it would see and hear.

    async with Chromium() as chromium, chromium.visit(server.url) as page:
        await page.live()
        turn = await page.write("How are you?")
        await page.event("speech.ended", turn)

Times are seconds of the page's clock (`performance.now()`).
"""

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlencode

import psutil
from playwright.async_api import Browser, ConsoleMessage, Page, Playwright, async_playwright

from tests.support.heard_events import Event
from tests.support.senses import Senses

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


class Chromium:
    """One headless browser; a `microphone` is a WAV that is played once, anew whenever a page opens it.

    The file is read each time, so that another recording may take its place between.
    """

    def __init__(self, microphone: Path | None = None) -> None:
        self._microphone = microphone
        self._playwright: Playwright | None = None
        self._browser: Browser | None = None
        self._processes: list[psutil.Process] = []

    async def __aenter__(self) -> Self:
        path = next(filter(None, map(shutil.which, NAMES)), None)
        assert path, f"no browser: none of {', '.join(NAMES)} is installed (apt-get install chromium)"
        flags = list(FLAGS)
        if self._microphone:
            flags.append(f"--use-file-for-fake-audio-capture={self._microphone}%noloop")
        before = set(psutil.Process().children(recursive=True))
        self._playwright = await async_playwright().start()
        self._browser = await self._playwright.chromium.launch(
            executable_path=path, headless=True, args=flags
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
    async def page(self) -> AsyncIterator[Page]:
        """An empty page without a probe; what it throws fails the test."""
        assert self._browser is not None
        # A page that a test makes up counts as one of the internet, which may not call this machine.
        context = await self._browser.new_context(permissions=["local-network-access"])
        page = await context.new_page()
        failures: list[str] = []
        page.on("pageerror", lambda error: failures.append(str(error)))
        try:
            yield page
            assert not failures, f"the page's scripts: {failures}"
        finally:
            await context.close()

    @asynccontextmanager
    async def visit(
        self, url: str, *, avatar: str = "", autostart: bool = True, locale: str = "en-US"
    ) -> AsyncIterator["Visit"]:
        """The page, as a visitor of its own sees it; errors in its console fail the test."""
        assert self._browser is not None
        context = await self._browser.new_context(viewport={"width": 900, "height": 800}, locale=locale)
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


class Visit(Senses):
    """A page with its probe."""

    def __init__(self, page: Page, url: str) -> None:
        super().__init__(page)
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

    async def shown(self, *states: str, timeout_seconds: float = 25.0) -> None:
        """Wait until the stage has shown just these, one after another."""
        await self.page.wait_for_function(
            "(wanted) => String(window.__probe.states) === String(wanted)",
            arg=list(states),
            timeout=timeout_seconds * 1000,
            polling=50,
        )

    # -- talking

    async def talk(self) -> float:
        """Press the microphone's button; when the recording began to play."""
        await self.page.click("[data-testid=microphone]")
        await self.page.wait_for_selector("[data-testid=microphone][data-microphone=on]")
        return await self.recording_began()

    async def recording_began(self) -> float:
        """Wait until the microphone is open; when the recording began to play."""
        await self.page.wait_for_function("() => window.__probe.microphoneStarted() !== null", polling=20)
        return float(await self.page.evaluate("window.__probe.microphoneStarted()")) / 1000

    async def talk_no_more(self) -> None:
        """Give the microphone back to the browser."""
        await self.page.click("[data-testid=microphone-more]")
        await self.page.check("[data-testid=mode-off]")
        await self.page.keyboard.press("Escape")
        await self.page.wait_for_selector("[data-testid=microphone][data-microphone=off]")

    async def until(self, moment: float) -> None:
        """Wait for a moment of the page's clock."""
        await self.page.wait_for_function(
            "(moment) => performance.now() >= moment",
            arg=moment * 1000,
            timeout=max(1.0, moment - await self.now() + 10) * 1000,
            polling=20,
        )

    # -- the API, from within the page

    async def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """`status`, `body`, and `asked` and `answered` in seconds; `{id}` in the path is the session's."""
        path = path.replace("{id}", await self.session_id())
        answer: dict[str, Any] = await self.page.evaluate("window.__probe.call", [method, path, body])
        return {**answer, "asked": answer["asked"] / 1000, "answered": answer["answered"] / 1000}

    async def write(self, text: str, *, verbatim: bool = False) -> str:
        """Write to the avatar as a person does, and send it; the turn's id."""
        seen = {event.turn_id for event in await self.events()}
        toggle = self.page.locator("[data-testid=verbatim]")
        if (await toggle.get_attribute("aria-pressed") == "true") != verbatim:
            await toggle.click()
        await self.page.fill("[data-testid=composer-input]", text)
        await self.page.press("[data-testid=composer-input]", "Enter")
        await self.page.wait_for_function(
            "(seen) => window.__probe.events.some("
            "({ name, data }) => name === 'speech.started' && !seen.includes(data.turn_id))",
            arg=list(seen),
            timeout=10_000,
            polling=20,
        )
        started = [event for event in await self.events() if event.name == "speech.started"]
        assert started[-1].turn_id is not None
        return started[-1].turn_id

    async def caption_shows(self, words: str, timeout_seconds: float = 10.0) -> None:
        """Wait until the caption on the page has these words."""
        await self.page.wait_for_function(
            "(words) => document.querySelector('[data-testid=caption]')?.textContent.includes(words)",
            arg=words,
            timeout=timeout_seconds * 1000,
            polling=20,
        )

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
        found = [Event(item["name"], item["data"], int(item["id"] or -1), item["at"] / 1000) for item in raw]
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

    async def event_after(self, moment: float, name: str, timeout_seconds: float = 20.0) -> Event:
        """Wait for the first event of this name that comes after a moment."""
        await self.page.wait_for_function(
            "([name, moment]) => window.__probe.events.some("
            "(event) => event.name === name && event.at > moment)",
            arg=[name, moment * 1000],
            timeout=timeout_seconds * 1000,
            polling=20,
        )
        return next(event for event in await self.events() if event.name == name and event.at > moment)
