"""States of the page's microphone, each reached the way a person or a fault does, for pictures of it."""

from __future__ import annotations

from collections.abc import Callable

from page_states import SETTLE_MS, live
from playwright.sync_api import Page


def deny(page: Page, name: str, words: str) -> None:
    """Let the browser refuse the microphone with this error."""
    page.evaluate(
        """([name, words]) => {
            navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException(words, name));
        }""",
        [name, words],
    )
    page.get_by_test_id("microphone").click()
    page.get_by_test_id("microphone-note").wait_for()


def microphone_on(page: Page) -> None:
    live(page)
    page.get_by_test_id("microphone").click()
    page.locator("[data-microphone=on]").wait_for()


def microphone_asking(page: Page) -> None:
    live(page)
    page.evaluate("() => { navigator.mediaDevices.getUserMedia = () => new Promise(() => {}); }")
    page.get_by_test_id("microphone").click()
    page.wait_for_timeout(2 * SETTLE_MS)


def microphone_muted(page: Page) -> None:
    microphone_on(page)
    page.get_by_test_id("microphone").click()


def microphone_silent(page: Page) -> None:
    live(page)
    page.evaluate(
        """() => {
            const silence = new AudioContext().createMediaStreamDestination().stream;
            navigator.mediaDevices.getUserMedia = () => Promise.resolve(silence);
        }"""
    )
    page.get_by_test_id("microphone").click()
    page.get_by_test_id("microphone-note").wait_for()


def microphone_panel(page: Page) -> None:
    microphone_on(page)
    page.get_by_test_id("microphone-more").click()


def microphone_held(page: Page) -> None:
    live(page)
    page.get_by_test_id("microphone-more").click()
    page.get_by_test_id("mode-push_to_talk").check()
    page.get_by_test_id("microphone").hover()
    page.mouse.down()
    page.locator("[data-microphone=held]").wait_for()


def microphone_denied(page: Page) -> None:
    live(page)
    deny(page, "NotAllowedError", "Permission denied")
    page.get_by_test_id("microphone-note").locator("summary").click()


def microphone_in_use(page: Page) -> None:
    live(page)
    deny(page, "NotReadableError", "Could not start audio source")


def microphone_insecure(page: Page) -> None:
    live(page)
    page.evaluate("() => Object.defineProperty(window, 'isSecureContext', { value: false })")
    page.get_by_test_id("microphone").click()
    page.get_by_test_id("microphone-note").wait_for()


def microphone_unplugged(page: Page) -> None:
    microphone_on(page)
    page.evaluate(
        """() => {
            for (const sender of window.__opentalking.peer.getSenders()) {
                sender.track?.dispatchEvent(new Event("ended"));
            }
        }"""
    )
    page.get_by_test_id("microphone-note").wait_for()


def hearing(page: Page) -> None:
    """What a person says is shown while they say it."""
    page.add_init_script(
        "window.EventSource = class extends EventSource {"
        " constructor(url) { super(url); window.__events = this; } };"
    )
    page.reload()
    microphone_on(page)
    page.evaluate(
        """() => {
            const text = "Tell me something about the weather in the mountains";
            for (const [name, data] of [["status", { stage: "listening" }], ["transcript", { text }]]) {
                const event = new MessageEvent(name, { data: JSON.stringify({ turn_id: "next", ...data }) });
                window.__events.dispatchEvent(event);
            }
        }"""
    )


MICROPHONE_STATES: dict[str, Callable[[Page], None]] = {
    state.__name__: state
    for state in (
        microphone_on,
        microphone_asking,
        microphone_muted,
        microphone_silent,
        microphone_panel,
        microphone_held,
        microphone_denied,
        microphone_in_use,
        microphone_insecure,
        microphone_unplugged,
        hearing,
    )
}
