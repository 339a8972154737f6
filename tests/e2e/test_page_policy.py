"""The page under its own Content-Security-Policy, in a real browser."""

import httpx

from tests.support.browser import Chromium
from tests.support.llm_server import FakeLlm
from tests.support.server import RunningServer

INLINE = """
() => new Promise((resolve) => {
  document.addEventListener("securitypolicyviolation", (event) => resolve(event.effectiveDirective));
  const script = document.createElement("script");
  script.textContent = "window.__injected = true";
  document.body.append(script);
  setTimeout(() => resolve("nothing was refused"), 2000);
})
"""


async def test_the_page_works_under_a_policy_that_stops_foreign_code(
    chromium: Chromium, server: RunningServer, llm: FakeLlm
) -> None:
    async with httpx.AsyncClient(base_url=server.url) as client:
        policy = (await client.get("/")).headers["content-security-policy"]
    assert "unsafe" not in policy
    # Whatever the policy refuses is an error in the console, and fails the visit when it ends.
    async with chromium.visit(server.url) as page:
        await page.live()
        turn = await page.write("How are you?")
        await page.event("speech.ended", turn)
        await page.page.locator("[data-testid=people-open]").click()
        await page.page.wait_for_function(
            "() => document.querySelector('dialog[open] img')?.naturalWidth > 0"
        )
        shown = await page.page.evaluate(
            "() => getComputedStyle(document.querySelector('main')).getPropertyValue('--ratio')"
        )
        assert float(shown) == 512 / 640, "the page's own styles hold"
        page.expected_complaints = ("Content Security Policy",)
        assert await page.page.evaluate(INLINE) == "script-src-elem"
        assert await page.page.evaluate("() => window.__injected === undefined")
