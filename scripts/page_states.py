"""States of the page, each reached the way a person or a fault does, for pictures of it."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, Route

PHOTO = Path(__file__).resolve().parent.parent / "tests" / "data" / "photos" / "grace_hopper.jpg"
SPOKEN = "Hello! I live on your own computer, where I listen, think, and answer out loud. Shall we talk?"
LIMIT_MS = 30_000
SETTLE_MS = 500


def answer(page: Page, pattern: str, status: int, detail: str) -> None:
    """Let requests to `pattern` fail with an answer of the server's own form."""

    def refuse(route: Route) -> None:
        if route.request.method == "POST":
            route.fulfill(status=status, json={"detail": detail}, headers={"Retry-After": "30"})
        else:
            route.continue_()

    page.route(pattern, refuse)


def hold(page: Page, pattern: str) -> None:
    """Let requests to `pattern` wait for ever."""
    page.route(pattern, lambda _route: None)


def status(page: Page, name: str) -> None:
    page.wait_for_selector(f"[data-testid=status][data-status={name}]", timeout=LIMIT_MS)


def start(page: Page) -> None:
    page.get_by_test_id("start").click()


def live(page: Page) -> None:
    start(page)
    page.wait_for_selector("[data-testid=stage][data-state=live]", timeout=LIMIT_MS)


def send(page: Page, text: str = SPOKEN) -> None:
    page.get_by_test_id("composer-input").fill(text)
    page.keyboard.press("Enter")


def ready(page: Page) -> None:
    page.get_by_test_id("start").wait_for()


def connecting(page: Page) -> None:
    hold(page, "**/webrtc/offer")
    start(page)
    page.wait_for_timeout(3_200)


def thinking(page: Page) -> None:
    live(page)
    hold(page, "**/chat")
    send(page, "What can you do?")
    status(page, "thinking")


def speaking(page: Page) -> None:
    live(page)
    page.get_by_test_id("verbatim").click()
    send(page)
    status(page, "speaking")
    page.get_by_test_id("verbatim").click()
    page.get_by_test_id("caption").get_by_text("think").wait_for(timeout=LIMIT_MS)


def interrupted(page: Page) -> None:
    speaking(page)
    page.get_by_test_id("stop").click()


def reconnecting(page: Page) -> None:
    live(page)
    answer(page, "**/webrtc/offer", 503, "no worker")
    page.evaluate(
        """() => {
            const { peer } = window.__opentalking;
            Object.defineProperty(peer, "connectionState", { value: "failed" });
            peer.dispatchEvent(new Event("connectionstatechange"));
        }"""
    )
    status(page, "reconnecting")


def unheard(page: Page) -> None:
    live(page)
    answer(page, "**/chat", 502, "the worker did not answer")
    send(page, "Are you there?")
    page.get_by_test_id("notice").locator("summary").click()


def full(page: Page) -> None:
    answer(page, "**/sessions", 503, "the server is full: 8 of 8 sessions")
    start(page)
    page.get_by_test_id("over").wait_for()


def no_media(page: Page) -> None:
    def spoil(route: Route) -> None:
        answered = route.fetch()
        body = answered.json()
        body["sdp"] = re.sub(r"a=ice-pwd:.*", f"a=ice-pwd:{'x' * 22}", body["sdp"])
        route.fulfill(response=answered, json=body)

    page.route("**/webrtc/offer", spoil)
    page.clock.install()
    with page.expect_response("**/webrtc/offer"):
        start(page)
    page.wait_for_timeout(SETTLE_MS)
    page.clock.fast_forward(16_000)  # the page gives up on the first connection
    with page.expect_response("**/webrtc/offer"):
        page.clock.fast_forward(1_000)  # and dials once more
    page.wait_for_timeout(SETTLE_MS)
    page.clock.fast_forward(16_000)
    page.get_by_test_id("over").wait_for()


def ended(page: Page) -> None:
    live(page)
    page.evaluate("() => fetch(`sessions/${window.__opentalking.sessionId}`, { method: 'DELETE' })")
    page.get_by_test_id("over").wait_for()


def who_answers(page: Page) -> None:
    ready(page)
    page.get_by_test_id("who-answers").locator("summary").click()


def people(page: Page) -> None:
    """The drawer of characters; needs a server with more than one."""
    ready(page)
    page.get_by_test_id("people-open").click()
    page.get_by_test_id("person").last.wait_for()
    page.wait_for_load_state("networkidle")


def people_while_talking(page: Page) -> None:
    live(page)
    page.get_by_test_id("people-open").click()
    page.get_by_test_id("person").last.wait_for()
    page.wait_for_timeout(SETTLE_MS)


def people_broken(page: Page) -> None:
    """One picture does not come, and the list cannot be renewed."""
    broken = page.evaluate("() => fetch('avatars').then((got) => got.json()).then((list) => list[0].id)")
    page.route(f"**/avatars/{broken}/preview", lambda route: route.fulfill(status=404))
    page.route("**/avatars", lambda route: route.fulfill(status=500, json={"detail": "the disk is gone"}))
    people(page)


def from_photo(page: Page) -> None:
    """The form behind the first tile."""
    people(page)
    page.get_by_test_id("make-open").click()


def from_photo_faulty(page: Page) -> None:
    from_photo(page)
    page.get_by_test_id("make-photo").set_input_files(
        {"name": "photo.heic", "mimeType": "image/heic", "buffer": b"\0\0\0\x18ftypheic"}
    )
    page.get_by_test_id("make-submit").click()


def from_photo_filled(page: Page) -> None:
    from_photo(page)
    page.get_by_test_id("make-photo").set_input_files(PHOTO)
    page.get_by_test_id("make-name").fill("Grace")
    page.get_by_test_id("make-consent").check()


def from_photo_working(page: Page) -> None:
    hold(page, "**/avatars/custom")
    from_photo_filled(page)
    page.get_by_test_id("make-submit").click()
    page.wait_for_timeout(3_200)


def from_photo_refused(page: Page) -> None:
    answer(page, "**/avatars/custom", 400, "the picture is cut off or damaged")
    from_photo_filled(page)
    page.get_by_test_id("make-submit").click()
    page.get_by_test_id("refused").locator("summary").click()


def deleting(page: Page) -> None:
    """The question before a character is deleted; every character can be, here."""

    def loosen(route: Route) -> None:
        answered = route.fetch()
        route.fulfill(response=answered, json=[{**one, "is_custom": True} for one in answered.json()])

    page.route("**/avatars", loosen)
    people(page)
    page.get_by_test_id("person-delete").last.click()


def key_wanted(page: Page) -> None:
    """As a server with OPENTALKING_API_KEYS would have it."""
    for path in ("avatars", "models", "health", "auth/token"):
        page.route(f"**/{path}", lambda route: route.fulfill(status=401, json={"detail": "no"}))
    page.reload()
    page.get_by_test_id("key-input").wait_for()


def key_refused(page: Page) -> None:
    key_wanted(page)
    page.get_by_test_id("key-input").fill("not-the-key")
    page.get_by_test_id("key-submit").click()
    page.get_by_test_id("key-fault").wait_for()


STATES: dict[str, Callable[[Page], None]] = {
    state.__name__: state
    for state in (
        ready,
        people,
        people_while_talking,
        people_broken,
        from_photo,
        from_photo_faulty,
        from_photo_filled,
        from_photo_working,
        from_photo_refused,
        deleting,
        key_wanted,
        key_refused,
        who_answers,
        connecting,
        live,
        thinking,
        speaking,
        interrupted,
        reconnecting,
        unheard,
        full,
        no_media,
        ended,
    )
}
