"""How sessions end and come back: full server, lost visitors, new connections, a restarted server."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from tests.support.api_client import ApiSession
from tests.support.browser import Chromium
from tests.support.heard_events import assert_common_rules, assert_spoken_whole
from tests.support.llm_server import FakeLlm
from tests.support.rtc_client import RtcClient
from tests.support.server import RunningServer, eventually

LONG_TEXT = "The quick brown fox jumps over the lazy dog near the river bank, and then it runs away."
RECONNECT_SECONDS = 1.0
UNNOTICED_SECONDS = 15.0
"""Until the server misses a visitor whose machine is gone: four unanswered checks."""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def small_settings(base_settings: dict[str, str], shared_llm: FakeLlm) -> dict[str, str]:
    """A server with a single place, and little patience."""
    return {
        **base_settings,
        "OPENTALKING_LLM_BASE_URL": shared_llm.base_url,
        "OPENTALKING_MAX_SESSIONS": "1",
        "OPENTALKING_SESSION_RECONNECT_TIMEOUT": str(RECONNECT_SECONDS),
    }


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def small_server(
    small_settings: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[RunningServer]:
    async with RunningServer(small_settings, tmp_path_factory.mktemp("small")) as server:
        yield server
        await eventually(lambda: server.media_sockets() == 0, "all media sockets closed")


async def is_gone(url: str, session_id: str) -> bool:
    async with httpx.AsyncClient(base_url=url) as http:
        return (await http.get(f"/sessions/{session_id}")).status_code == 404


async def test_a_full_server_says_so_and_lets_the_next_one_in(
    chromium: Chromium, small_server: RunningServer
) -> None:
    async with chromium.visit(small_server.url) as first:
        await first.live()
        first_id = await first.session_id()
        async with chromium.visit(small_server.url, autostart=False) as second:
            second.expected_complaints = ("503",)
            await second.page.click("[data-testid=start]")
            panel = second.page.locator("[data-testid=over][data-reason=server_full]")
            await panel.wait_for(timeout=10_000)
            assert "All places are taken" in await panel.inner_text()
            await first.page.close()
            closed = await small_server.logged("session ended", session_id=first_id)
            assert closed["reason"] == "deleted", "a page that closes gives its place back"
            await second.page.click("[data-testid=restart]")
            await second.live()
            assert await second.session_id() != first_id
    assert await is_gone(small_server.url, first_id)


async def test_a_visitor_whose_browser_dies_frees_the_place(small_server: RunningServer) -> None:
    async with Chromium() as doomed, doomed.visit(small_server.url) as visit:
        await visit.live()
        session_id = await visit.session_id()
        async with ApiSession(small_server.url, session_id=session_id) as watching:
            doomed.kill()
            patience = UNNOTICED_SECONDS + RECONNECT_SECONDS
            expired = await watching.event("session.expired", timeout_seconds=patience)
            assert expired.data["message"] == "peer_lost"
            await watching.event("session.terminated")
        assert await is_gone(small_server.url, session_id)
        await eventually(lambda: small_server.media_sockets() == 0, "its sockets closed")
    async with ApiSession(small_server.url) as next_one:
        assert next_one.id != session_id


async def test_a_second_offer_takes_over_and_the_turn_goes_on(small_server: RunningServer) -> None:
    async with ApiSession(small_server.url) as session, RtcClient() as first, RtcClient() as second:
        await session.connect(first)
        turn = await session.speak(LONG_TEXT)
        await session.event("speech.media_started", turn)
        await session.connect(second)
        await second.until(lambda: any(sound.level > 300 for sound in second.sound), timeout_seconds=5)
        await first.until(lambda: first.state in ("closed", "failed"))
        events = await session.ended(turn)
        assert_common_rules(events, session.id)
        assert_spoken_whole(events, LONG_TEXT)
        count = len(second.pictures)
        await second.until(lambda: len(second.pictures) > count + 25, timeout_seconds=5)
    await eventually(lambda: small_server.media_sockets() == 0, "the sockets of both closed")


async def test_a_reloaded_page_gets_its_place_again(chromium: Chromium, small_server: RunningServer) -> None:
    async with chromium.visit(small_server.url) as visit:
        for _ in range(3):
            await visit.live()
            session_id = await visit.session_id()
            await visit.page.reload()
            assert (await small_server.logged("session ended", session_id=session_id))["reason"] == "deleted"
        await visit.live()


async def test_the_page_connects_anew_within_its_session(
    chromium: Chromium, small_server: RunningServer
) -> None:
    async with chromium.visit(small_server.url) as visit:
        await visit.live()
        session_id = await visit.session_id()
        async with ApiSession(small_server.url, session_id=session_id) as session, RtcClient() as other:
            await session.connect(other)  # pushes the page out, which notices by and by
            await visit.shown("preview", "connecting", "live", "connecting", "live")
            await visit.status("idle")
        assert await visit.session_id() == session_id
        assert await visit.frames_per_second(2) > 20


async def test_a_restarted_server_is_offered_again(
    chromium: Chromium, small_settings: dict[str, str], tmp_path: Path
) -> None:
    async with RunningServer(small_settings, tmp_path) as server:
        port = server.port
        async with chromium.visit(server.url) as visit:
            visit.expected_complaints = ("404", "ERR_", "Failed to load resource")
            await visit.live()
            old_id = await visit.session_id()
            turn = await visit.say(LONG_TEXT)
            await visit.event("speech.media_started", turn)
            await server.stop()  # in the middle of a sentence
            async with RunningServer(small_settings, tmp_path, port=port) as again:
                await visit.page.locator("[data-testid=over]").wait_for(timeout=30_000)
                await visit.page.click("[data-testid=restart]")
                await visit.live()
                assert await visit.session_id() != old_id
                turn = await visit.say("Here I am again.")
                await visit.event("speech.media_started", turn)
                assert again.running
