"""Choosing who to talk to, and writing to them in Chinese."""

import httpx
import numpy as np
from playwright.async_api import Page

from tests.support.browser import Chromium, Visit
from tests.support.heard_events import assert_common_rules
from tests.support.listen import Listener, hear, word_error_rate
from tests.support.llm_server import FakeLlm
from tests.support.photos import PHOTOS
from tests.support.senses import DEMO_MOUTH
from tests.support.server import RunningServer

SENTENCE = "The quick brown fox jumps over the lazy dog near the river bank."
LONG_TEXT = f"{SENTENCE} Please send me the report by Friday afternoon."

WHERE = """() => {
    const focused = document.activeElement;
    return focused.closest("[data-testid=people]") ? "drawer" : focused.tagName;
}"""
"""Which part of the page has the keyboard."""


async def open_drawer(page: Page) -> None:
    await page.click("[data-testid=people-open]")
    await page.wait_for_selector("[data-testid=people][open]")


def tile(avatar: str) -> str:
    return f"[data-testid=person][data-avatar={avatar}]"


async def on_stage(page: Page) -> str:
    """The avatar whose picture stands on the stage."""
    shown = page.locator("[data-testid=stage] .stage-preview img").last
    source = await shown.get_attribute("src")
    assert source is not None
    return source.split("/")[-2]


async def red_share(visit: Visit, since: float) -> list[float]:
    """How red each picture shown since then was as a whole, 0..1."""
    pictures = await visit.pictures(since, await visit.now())
    return [picture.colour[0] / sum(picture.colour) for picture in pictures]


async def test_a_second_character_takes_over_the_conversation(
    page: Visit, server: RunningServer, listener: Listener
) -> None:
    first_id = await page.session_id()
    await page.looked_at(10)
    first = await red_share(page, 0)
    await open_drawer(page.page)
    await page.page.click(tile("red-twin"))
    await page.shown("preview", "connecting", "live", "connecting", "live")
    since = await page.now()
    assert not await page.page.locator("[data-testid=people]").is_visible()
    assert await on_stage(page.page) == "red-twin"
    second_id = await page.session_id()
    async with httpx.AsyncClient(base_url=server.url) as http:
        assert (await http.get(f"/sessions/{first_id}")).status_code == 404
        assert (await http.get(f"/sessions/{second_id}")).status_code == 200
    await page.listen()
    await page.watch(DEMO_MOUTH)
    turn = await page.say(SENTENCE)
    heard = await hear(page, turn, listener)
    assert word_error_rate([SENTENCE], [heard]) <= 0.15, heard
    assert_common_rules(await page.events(turn), second_id)
    started, ended = [await page.event(name, turn) for name in ("speech.media_started", "speech.ended")]
    talking = [shown.mouth for shown in await page.pictures(started.at, ended.at)]
    assert np.abs(np.diff(np.array(talking, np.float32), axis=0)).mean() > 1, "a still face"
    second = await red_share(page, since)
    assert max(first) + 0.05 < min(second), "pictures of the one before"


async def test_a_choice_before_the_start_is_kept_for_the_next_visit(
    chromium: Chromium, server: RunningServer
) -> None:
    async with chromium.visit(server.url, autostart=False) as visit:
        page = visit.page
        await page.focus("[data-testid=people-open]")
        await page.keyboard.press("Enter")
        assert await on_stage(page) == "demo-avatar"
        await page.wait_for_selector(f"{tile('demo-avatar')}:focus")
        await page.keyboard.press("End")
        await page.wait_for_selector(f"{tile('red-twin')}:focus")
        await page.keyboard.press("Enter")
        await page.get_by_text("Talk to red-twin").wait_for()
        assert await on_stage(page) == "red-twin"
        assert await visit.session_id() is None
        assert await page.evaluate("document.activeElement.dataset.testid") == "people-open"
        await visit.open({})
        await page.get_by_text("Talk to red-twin").wait_for()
        await visit.open({"avatar": "demo-avatar"})
        await page.get_by_test_id("start").wait_for()
        assert await on_stage(page) == "demo-avatar"


async def test_the_open_drawer_keeps_the_keyboard_and_escape_closes_only_it(page: Visit) -> None:
    turn = await page.say(LONG_TEXT)
    await page.event("speech.media_started", turn)
    await open_drawer(page.page)
    await page.page.wait_for_selector(f"{tile('demo-avatar')}:focus")
    places = set()
    for _ in range(await page.page.locator("[data-testid=person]").count() + 4):
        await page.page.keyboard.press("Tab")
        places.add(await page.page.evaluate(WHERE))
    assert places <= {"drawer", "BODY"}, "the page behind the drawer had the keyboard"
    await page.page.focus("[data-testid=people-close]")
    await page.page.keyboard.press("Escape")
    await page.page.wait_for_selector("[data-testid=people]:not([open])", state="attached")
    assert (await page.event("speech.ended", turn)).data["reason"] == "completed"


async def test_a_photo_becomes_a_character_that_talks_and_can_be_deleted(
    chromium: Chromium, server: RunningServer, llm: FakeLlm
) -> None:
    async with chromium.visit(server.url, autostart=False) as visit:
        page = visit.page
        await open_drawer(page)
        await page.keyboard.press("Home")
        await page.wait_for_selector("[data-testid=make-open]:focus")
        await page.keyboard.press("Enter")
        await page.set_input_files("[data-testid=make-photo]", PHOTOS / "grace_hopper.jpg")
        await page.wait_for_function(
            "() => document.querySelector('[data-testid=make-picture]')?.naturalWidth > 0"
        )
        await page.fill("[data-testid=make-name]", "Grace")
        await page.check("[data-testid=make-consent]")
        await page.press("[data-testid=make-name]", "Enter")
        await page.get_by_text("Talk to Grace").wait_for()
        grace = await on_stage(page)
        async with httpx.AsyncClient(base_url=server.url) as http:
            made = (await http.get(f"/avatars/{grace}")).json()
            assert (made["name"], made["metadata"]["consent"]) == ("Grace", "stated")
        await page.click("[data-testid=start]")
        await visit.live()
        turn = await visit.write("Hello", verbatim=True)
        await visit.event("speech.ended", turn)
        await open_drawer(page)
        await page.click(f"li:has({tile(grace)}) [data-testid=person-delete]")
        await page.get_by_text("Your conversation ends.").wait_for()
        await page.click("[data-testid=delete-confirm]")
        await page.wait_for_selector("[data-testid=people][data-view=everybody]")
        assert await page.locator(tile(grace)).count() == 0
        assert await on_stage(page) == "demo-avatar"
        async with httpx.AsyncClient(base_url=server.url) as http:
            assert (await http.get(f"/avatars/{grace}")).status_code == 404


async def test_an_input_methods_enter_does_not_send(
    chromium: Chromium, server: RunningServer, llm: FakeLlm
) -> None:
    async with chromium.visit(server.url, locale="zh-CN") as visit:
        await visit.live()
        page = visit.page
        field = page.get_by_placeholder("说点什么")
        await field.focus()
        devtools = await page.context.new_cdp_session(page)
        composing = {"text": "ni hao", "selectionStart": 6, "selectionEnd": 6}
        await devtools.send("Input.imeSetComposition", composing)
        # An input method's key comes with its own number and types nothing.
        enter = {"key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 229}
        for kind in ("rawKeyDown", "keyUp"):
            await devtools.send("Input.dispatchKeyEvent", {"type": kind, **enter})
        assert await field.input_value() == "ni hao"
        await devtools.send("Input.insertText", {"text": "你好"})
        assert await field.input_value() == "你好"
        assert not [event for event in await visit.events() if event.turn_id], "sent while composing"
        await page.keyboard.press("Enter")
        started = await visit.event("speech.started")
        assert started.data["text"] == "你好"
        assert await page.locator("[data-testid=caption-live]").inner_text() != ""
        await visit.event("speech.ended", started.turn_id)
        assert llm.requests[0].messages[-1] == ("user", "你好")
