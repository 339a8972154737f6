"""Takes pictures of the page of a running server in a real browser: see `--help`."""

from __future__ import annotations

import argparse
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from microphone_states import MICROPHONE_STATES
from page_states import SETTLE_MS, STATES
from playwright.sync_api import Browser, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
README_PICTURE = ROOT / "docs" / "images" / "stage.png"
ALL_PICTURES = ROOT / "build" / "screenshots"
SIZES = {"desktop": (1440, 900), "tablet": (834, 1112), "phone": (390, 844)}
ALL_STATES = STATES | MICROPHONE_STATES
THEMES = ("light", "dark")
LANGUAGES = {"en": "en-US", "zh": "zh-CN"}
CHROMIUM_OPTIONS = (
    "--no-sandbox",
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
    "--allow-loopback-in-peer-connection",
    "--autoplay-policy=no-user-gesture-required",
)


@dataclass(frozen=True)
class Look:
    """One combination of window, theme and language."""

    size: str
    theme: str
    language: str

    def __str__(self) -> str:
        return f"{self.size}-{self.theme}-{self.language}"


def shoot(browser: Browser, url: str, state: str, look: Look, target: Path) -> None:
    """Bring the page into a state and save what it looks like."""
    width, height = SIZES[look.size]
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme="dark" if look.theme == "dark" else "light",
        locale=LANGUAGES[look.language],
    )
    try:
        page = context.new_page()
        page.goto(url)
        page.get_by_test_id("start").wait_for()
        ALL_STATES[state](page)
        page.mouse.move(1, 1)
        page.wait_for_timeout(SETTLE_MS)
        scroll = page.evaluate("() => document.documentElement.scrollWidth")
        if scroll > width:
            sys.exit(f"{state} {look}: the page scrolls sideways, {scroll} px in a window of {width} px")
        target.parent.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=target)
        print(target.relative_to(ROOT) if target.is_relative_to(ROOT) else target, flush=True)
        page.unroute_all(behavior="ignoreErrors")
        page.goto("about:blank")  # the page gives its session back
    finally:
        context.close()


def read_words() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url", nargs="?", default="http://127.0.0.1:8000", help="where the server listens")
    parser.add_argument("--all", action="store_true", help="every state, size, theme and language")
    parser.add_argument(
        "--only", metavar="STATE", choices=sorted(ALL_STATES), help="with --all: this state only"
    )
    parser.add_argument("--into", type=Path, default=ALL_PICTURES, help="with --all: the folder")
    return parser.parse_args()


def main() -> int:
    words = read_words()
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=list(CHROMIUM_OPTIONS))
        if not words.all:
            shoot(browser, words.url, "speaking", Look("desktop", "light", "en"), README_PICTURE)
            return 0
        for state in [words.only] if words.only else ALL_STATES:
            for look in (Look(s, t, n) for s in SIZES for t in THEMES for n in LANGUAGES):
                shoot(browser, words.url, state, look, words.into / f"{state}-{look}.png")
    return 0


if __name__ == "__main__":
    sys.exit(main())
