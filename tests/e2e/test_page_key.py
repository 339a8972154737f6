"""The page of a server that asks for a key."""

from pathlib import Path
from urllib.parse import urlsplit

from tests.support.browser import Chromium
from tests.support.llm_server import FakeLlm
from tests.support.server import RunningServer

KEY = "the-key-that-the-page-must-ask-for"
SETTINGS = {"OPENTALKING_API_KEYS": KEY, "OPENTALKING_API_TOKEN_SECONDS": "10"}


async def test_a_key_opens_the_page_and_is_in_no_address(
    chromium: Chromium, base_settings: dict[str, str], llm: FakeLlm, tmp_path: Path
) -> None:
    settings = {**base_settings, **SETTINGS, "OPENTALKING_LLM_BASE_URL": llm.base_url}
    async with (
        RunningServer(settings, tmp_path) as server,
        chromium.visit(server.url, autostart=False) as visit,
    ):
        visit.expected_complaints = ("401",)
        page = visit.page
        addresses: list[str] = []
        page.on("request", lambda request: addresses.append(request.url))
        await page.wait_for_selector("[data-testid=key-input]:focus")
        await page.keyboard.type("no-key-that-this-server-knows")
        await page.keyboard.press("Enter")
        await page.get_by_text("This key is not valid").wait_for()
        await page.fill("[data-testid=key-input]", KEY)
        await page.keyboard.press("Enter")
        await page.click("[data-testid=start]")
        assert await page.locator("[data-testid=key-prompt]").count() == 0
        await visit.live()
        turn = await visit.write("Hello there.", verbatim=True)
        await visit.event("speech.ended", turn)
        async with page.expect_response("**/auth/token") as renewed:
            pass  # before the ten seconds of the first token are over
        assert (await renewed.value).status == 200
        turn = await visit.write("I am still here.", verbatim=True)
        await visit.event("speech.ended", turn)
        shown = "() => document.querySelector('[data-testid=stage] img')?.naturalWidth"
        assert await page.evaluate(shown) == 512
        assert await page.evaluate("() => JSON.stringify(localStorage)") == "{}"
        await page.reload()
        await page.wait_for_selector("[data-testid=start]")
        paths = {urlsplit(address).path.rsplit("/", 1)[-1] for address in addresses}
        assert {"token", "health", "events", "preview", "offer"} <= paths
        assert not [address for address in addresses if KEY in address]
    assert KEY not in server.tail(server.records)
