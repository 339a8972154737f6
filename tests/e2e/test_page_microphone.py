"""The page's microphone in a real browser with Chromium's own false devices, which beep once a second."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from playwright.async_api import Page, Request, Route, expect

from tests.support.browser import Chromium, Visit
from tests.support.figures import Measured
from tests.support.llm_server import FakeLlm
from tests.support.server import RunningServer

BUTTON = "[data-testid=microphone]"
COUNT_ASKING = """
window.__asked = 0;
const { mediaDevices } = navigator;
const ask = mediaDevices.getUserMedia.bind(mediaDevices);
mediaDevices.getUserMedia = (wanted) => { window.__asked += 1; return ask(wanted); };
"""
SENT = """() => {
    const { track } = window.__opentalking.peer.getSenders()[0];
    return track && { label: track.label, enabled: track.enabled, ended: track.readyState === "ended",
                      settings: track.getSettings() };
}"""
BYTES_SENT = """async () => {
    const reports = [...(await window.__opentalking.peer.getStats()).values()];
    return reports.find(({ type, kind }) => type === "outbound-rtp" && kind === "audio").bytesSent;
}"""
LEVEL = "(button) => Number(button.style.getPropertyValue('--level'))"
LONG_TEXT = "The quick brown fox jumps over the lazy dog near the river bank, and then it goes home again."
ELSEWHERE = "http://not-this-machine.test"


class Posts:
    """What the page posts."""

    def __init__(self, page: Page) -> None:
        self.seen: list[tuple[str, Any]] = []
        page.on("request", self._on_request)

    def _on_request(self, request: Request) -> None:
        if request.method == "POST":
            self.seen.append((request.url.rsplit("/", 1)[-1], request.post_data_json))

    def of(self, name: str) -> list[Any]:
        return [body for path, body in self.seen if path == name]


async def microphone(visit: Visit, *states: str) -> None:
    """Wait for the microphone's button to show one of these."""
    wanted = ", ".join(f"{BUTTON}[data-microphone={state}]" for state in states)
    await visit.page.wait_for_selector(wanted, timeout=10_000)


async def sent(visit: Visit) -> dict[str, Any]:
    """The track that the page sends."""
    found: dict[str, Any] = await (await visit.page.wait_for_function(SENT)).json_value()
    return found


async def choose(visit: Visit, mode: str) -> None:
    await visit.page.click("[data-testid=microphone-more]")
    await visit.page.check(f"[data-testid=mode-{mode}]")


@asynccontextmanager
async def served_as(
    chromium: Chromium, server: RunningServer, address: str, headers: dict[str, str], locale: str = "en-US"
) -> AsyncIterator[Visit]:
    """The page as if it came from this address, with other headers; it has no event stream then."""

    async def pass_on(route: Route) -> None:
        if route.request.url.endswith("/events"):
            return
        came = await route.fetch(url=route.request.url.replace(address, server.url))
        await route.fulfill(response=came, headers={**came.headers, **headers})

    async with chromium.visit(server.url, autostart=False, locale=locale) as visit:
        visit.expected_complaints = ("ermission", "Cross-Origin-Opener-Policy")
        await visit.page.route(f"{address}/**", pass_on)
        await visit.page.goto(f"{address}/?autostart=1&avatar=demo-avatar")
        await visit.live()
        yield visit
        # The page's own farewell would not find its way from an address that does not exist.
        await visit.page.evaluate("() => fetch(`sessions/${__opentalking.sessionId}`, { method: 'DELETE' })")
        await visit.page.goto("about:blank")
        await visit.page.unroute_all(behavior="ignoreErrors")


async def test_a_click_opens_the_microphone_and_it_goes_to_the_server(
    chromium: Chromium, server: RunningServer, llm: FakeLlm
) -> None:
    async with chromium.visit(server.url, autostart=False) as visit:
        page = visit.page
        await page.add_init_script(COUNT_ASKING)
        await page.reload()
        posts = Posts(page)
        await page.click("[data-testid=start]")
        await visit.live()
        assert await page.evaluate("window.__asked") == 0
        assert await page.evaluate(SENT) is None
        await page.click(BUTTON)
        await microphone(visit, "on")
        assert await page.evaluate("window.__asked") == 1
        track = await sent(visit)
        assert (track["enabled"], track["ended"]) == (True, False)
        wanted = {
            "echoCancellation": True,
            "noiseSuppression": True,
            "autoGainControl": True,
            "channelCount": 1,
        }
        assert wanted.items() <= track["settings"].items()
        await page.wait_for_function(f"async () => await ({BYTES_SENT})() > 2000")
        assert posts.of("listening") == [{"turn_taking": "auto"}]
        assert len(posts.of("offer")) == 1
        # The false microphone beeps and is silent in turn: so does the meter.
        button = await page.wait_for_selector(BUTTON)
        await page.wait_for_function(f"(button) => ({LEVEL})(button) > 0.3", arg=button)
        await page.wait_for_function(f"(button) => ({LEVEL})(button) < 0.1", arg=button)
        await page.click("[data-testid=microphone-more]")
        await page.check("[data-testid=mode-off]")
        await microphone(visit, "off")
        assert await page.evaluate(SENT) is None
        await page.wait_for_function(f"(button) => ({LEVEL})(button) === 0", arg=button)


async def test_the_keyboard_mutes_and_talks(chromium: Chromium, server: RunningServer, llm: FakeLlm) -> None:
    async with chromium.visit(server.url) as visit:
        page = visit.page
        await visit.live()
        posts = Posts(page)
        await page.focus("[data-testid=composer-input]")
        await page.keyboard.type("mm hm")
        assert await page.input_value("[data-testid=composer-input]") == "mm hm"
        await page.evaluate("document.activeElement.blur()")
        await page.keyboard.press("m")
        await microphone(visit, "on")
        await page.keyboard.press("m")
        await microphone(visit, "muted")
        assert not (await sent(visit))["enabled"]
        await expect(page.locator(BUTTON)).to_have_attribute("aria-pressed", "false")
        await choose(visit, "push_to_talk")
        await microphone(visit, "waiting")
        await page.keyboard.press("Escape")
        await page.evaluate("document.activeElement.blur()")
        async with page.expect_request(lambda request: request.post_data_json == {"talking": True}):
            await page.keyboard.down(" ")
        await microphone(visit, "held")
        assert (await sent(visit))["enabled"]
        async with page.expect_request(lambda request: request.post_data_json == {"talking": False}):
            await page.keyboard.up(" ")
        await microphone(visit, "waiting")
        await page.wait_for_function(f"() => !({SENT})().enabled")
        await page.hover(BUTTON)
        await page.mouse.down()
        await microphone(visit, "held")
        await page.mouse.move(5, 5)  # a captured pointer may leave the button
        await microphone(visit, "held")
        await page.mouse.up()
        await microphone(visit, "waiting")
        assert posts.of("listening")[:2] == [{"turn_taking": "auto"}, {"turn_taking": "push_to_talk"}]


async def test_another_microphone_is_chosen_without_a_new_connection_and_remembered(
    chromium: Chromium, server: RunningServer, llm: FakeLlm
) -> None:
    other = "Fake Audio Input 2"
    async with chromium.visit(server.url) as visit:
        page = visit.page
        await visit.live()
        posts = Posts(page)
        await page.click(BUTTON)
        await microphone(visit, "on")
        await page.click("[data-testid=microphone-more]")
        names = await page.locator("[data-testid=microphone-device] option").all_inner_texts()
        assert names == ["Fake Default Audio Input", "Fake Audio Input 1", other]
        await page.select_option("[data-testid=microphone-device]", label=other)
        await page.wait_for_function(f"(label) => ({SENT})().label === label", arg=other)
        assert posts.of("offer") == []
        assert posts.of("listening") == [{"turn_taking": "auto"}]
        await page.reload()
        await visit.live()
        await page.click(BUTTON)
        await microphone(visit, "on")
        assert (await sent(visit))["label"] == other


@pytest.mark.parametrize(
    ("locale", "words"),
    [
        ("en-US", "The browser does not let this page use the microphone."),
        ("zh-CN", "浏览器不允许此页面使用麦克风。"),
    ],
)
async def test_a_refusal_of_the_browser_is_explained(
    chromium: Chromium, server: RunningServer, llm: FakeLlm, locale: str, words: str
) -> None:
    refusing = {"permissions-policy": "microphone=()"}
    async with served_as(chromium, server, server.url, refusing, locale) as visit:
        await visit.page.click(BUTTON)
        note = visit.page.locator("[data-testid=microphone-note][data-kind=denied]")
        await expect(note).to_contain_text(words)
        await note.locator("summary").click()
        await expect(note.locator("code")).to_contain_text("NotAllowedError")
        await visit.page.click("[data-testid=microphone-retry]")
        await expect(note).to_contain_text(words)
        await expect(visit.page.locator("[data-testid=composer-input]")).to_be_editable()


async def test_a_page_that_is_not_secure_says_how_to_become_so(
    chromium: Chromium, server: RunningServer, llm: FakeLlm
) -> None:
    async with served_as(chromium, server, ELSEWHERE, {}) as visit:
        assert await visit.page.evaluate("() => navigator.mediaDevices === undefined")
        await visit.page.click(BUTTON)
        note = visit.page.locator("[data-testid=microphone-note][data-kind=insecure]")
        await expect(note).to_contain_text(ELSEWHERE)
        await expect(note).to_contain_text("https://")
        await expect(visit.page.locator("[data-testid=microphone-retry]")).to_have_count(0)


async def test_a_microphone_that_goes_away_is_told_and_another_one_offered(
    chromium: Chromium, server: RunningServer, llm: FakeLlm
) -> None:
    async with chromium.visit(server.url) as visit:
        page = visit.page
        await visit.live()
        await page.click(BUTTON)
        await microphone(visit, "on")
        await page.evaluate(
            "() => window.__opentalking.peer.getSenders()[0].track.dispatchEvent(new Event('ended'))"
        )
        await microphone(visit, "problem")
        assert await page.evaluate(SENT) is None
        await page.click("[data-testid=microphone-other] >> nth=1")
        await microphone(visit, "on")
        assert (await sent(visit))["label"] == "Fake Audio Input 1"


async def test_a_stopped_voice_is_silent_at_once_and_the_page_says_when(
    page: Visit, measured: Measured
) -> None:
    muted = "() => document.querySelector('[data-testid=video]').muted"
    turn = await page.say(LONG_TEXT)
    await page.event("speech.media_started", turn)
    await page.caption_shows("quick brown fox")
    assert not await page.page.evaluate(muted)
    async with page.page.expect_response("**/playout") as reported:
        await page.page.keyboard.press("Escape")
        assert await page.page.evaluate(muted)
    answer = await reported.value
    assert answer.status == 200
    told: dict[str, Any] = answer.request.post_data_json or {}
    assert told["turn_id"] == turn
    assert 0 <= told["silent_after_ms"] < 1000
    measured("a stopped voice is silent in the browser after, ms, at most", told["silent_after_ms"])
    await page.event("speech.ended", turn)
    turn = await page.say("Here I am again.")
    await page.event("speech.media_started", turn)
    await page.page.wait_for_function(f"() => !({muted})()")


async def test_the_avatar_s_own_sound_can_be_switched_off(page: Visit) -> None:
    muted = "() => document.querySelector('[data-testid=video]').muted"
    await page.page.click("[data-testid=microphone-more]")
    await page.page.click("[data-testid=sound-switch]")
    assert await page.page.evaluate(muted)
    turn = await page.say("Nobody hears this.")
    await page.event("speech.ended", turn)
    assert await page.page.evaluate(muted)
    await page.page.click("[data-testid=sound-on]")
    assert not await page.page.evaluate(muted)
