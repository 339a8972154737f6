"""Things that break behind the server: each is told as documented, and the session lives on."""

import os
import signal
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.support.api_client import ApiSession
from tests.support.browser import Chromium
from tests.support.heard_events import Event, assert_common_rules, assert_in_order, assert_spoken_whole, names
from tests.support.llm_server import KEY, FakeLlm
from tests.support.server import RunningServer, eventually

FIRST_TOKEN_SECONDS = 1.5
WHOLE_ANSWER_SECONDS = 4.0
LONG_SENTENCE = "The quick brown fox jumps over the lazy dog near the river bank while the sun goes down"
LONG_TEXT = f"{LONG_SENTENCE}. Then it goes home. So do we."
VOICE = "piper"
"""The engine of the voice that `ApiSession` asks for."""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def weak_llm() -> AsyncIterator[FakeLlm]:
    async with FakeLlm() as llm:
        yield llm


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def weak_server(
    base_settings: dict[str, str], weak_llm: FakeLlm, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[RunningServer]:
    """A server that soon gives up on a language model that will break."""
    settings = {
        **base_settings,
        "OPENTALKING_LLM_BASE_URL": weak_llm.base_url,
        "OPENTALKING_LLM_API_KEY": KEY,
        "OPENTALKING_LLM_FIRST_TOKEN_TIMEOUT_SEC": str(FIRST_TOKEN_SECONDS),
        "OPENTALKING_LLM_TIMEOUT_SEC": str(WHOLE_ANSWER_SECONDS),
    }
    async with RunningServer(settings, tmp_path_factory.mktemp("weak")) as server:
        yield server
        await eventually(lambda: server.media_sockets() == 0, "all media sockets closed")


@pytest_asyncio.fixture(loop_scope="session")
async def session(weak_server: RunningServer, weak_llm: FakeLlm) -> AsyncIterator[ApiSession]:
    weak_llm.mode = "normal"
    weak_llm.answer = "Yes, of course."
    weak_llm.release.clear()
    async with ApiSession(weak_server.url) as session:
        yield session


def assert_failed(events: list[Event], session_id: str, code: str) -> str:
    """A failed turn as documented; the message."""
    assert_common_rules(events, session_id)
    assert_in_order(events, "speech.started", "error", "speech.ended", "status idle")
    [error] = [event.data for event in events if event.name == "error"]
    [ended] = [event.data for event in events if event.name == "speech.ended"]
    assert error["code"] == code
    assert ended["reason"] == "failed"
    assert "text" not in ended
    message: str = error["message"]
    assert message
    assert "Traceback" not in message
    return message


async def assert_answers(session: ApiSession, llm: FakeLlm) -> None:
    """The session goes on as if nothing had happened."""
    llm.mode = "normal"
    llm.answer = "Yes, of course."
    events = await session.ended(await session.chat("Are you well?"))
    assert_common_rules(events, session.id)
    assert_spoken_whole(events, "Yes, of course.")


@pytest.mark.parametrize(
    "mode",
    [
        "slow_first_token",
        "stall",
        "cut",
        "error_event",
        "not_json",
        "binary",
        "html",
        "bad_gateway",
        "unauthorized",
        "rate_limited",
    ],
)
async def test_a_language_model_that_fails(mode: str, session: ApiSession, weak_llm: FakeLlm) -> None:
    weak_llm.mode = mode
    weak_llm.disconnected.clear()
    events = await session.ended(await session.chat("Are you well?"), WHOLE_ANSWER_SECONDS + 10)
    message = assert_failed(events, session.id, "llm_failed")
    assert KEY not in message, "a key in an error message"
    if mode in ("slow_first_token", "stall"):
        weak_llm.release.set()
    await assert_answers(session, weak_llm)


async def test_a_language_model_that_is_down_and_comes_back(session: ApiSession, weak_llm: FakeLlm) -> None:
    await weak_llm.__aexit__(None, None, None)
    try:
        events = await session.ended(await session.chat("Are you well?"))
    finally:
        await weak_llm.__aenter__()
    assert_failed(events, session.id, "llm_failed")
    assert "status speaking" not in {event.label for event in events}
    await assert_answers(session, weak_llm)


def how_it_ended(events: list[Event]) -> str:
    [ended] = [event for event in events if event.name == "speech.ended"]
    return str(ended.data["reason"])


async def test_an_interrupt_hangs_up_on_a_model_that_still_writes(
    session: ApiSession, weak_llm: FakeLlm
) -> None:
    weak_llm.mode = "stall"
    weak_llm.started.clear()
    weak_llm.disconnected.clear()
    turn = await session.chat("Are you well?")
    await session.event("llm", turn)
    await session.post("interrupt")
    events = await session.ended(turn)
    assert how_it_ended(events) == "interrupted"
    await eventually(weak_llm.disconnected.is_set, "the request to the model was given up", 2)
    await assert_answers(session, weak_llm)


async def test_a_voice_that_dies_in_a_sentence(
    weak_server: RunningServer, session: ApiSession, weak_llm: FakeLlm
) -> None:
    old_pid = weak_server.engine_pid(VOICE)
    os.kill(old_pid, signal.SIGSTOP)  # so that it cannot be done before it dies
    turn = await session.speak(LONG_TEXT)
    await session.event("tts start", turn)
    os.kill(old_pid, signal.SIGKILL)
    events = await session.ended(turn)
    assert_common_rules(events, session.id)
    errors = [event.data for event in events if event.name == "error"]
    assert [error["code"] for error in errors] == ["tts_failed"]
    assert how_it_ended(events) == "completed", "one sentence is lost, the others are spoken"
    assert {event.data["sentence_index"] for event in events if event.label == "tts complete"} >= {1, 2}
    again = await session.ended(await session.speak("Here is my voice again."))
    assert_spoken_whole(again, "Here is my voice again.")
    assert not names(again) & {"error"}
    assert weak_server.engine_pid(VOICE) != old_pid
    await assert_answers(session, weak_llm)


async def test_a_voice_that_dies_while_nobody_speaks(weak_server: RunningServer, session: ApiSession) -> None:
    known = len(weak_server.records)
    os.kill(weak_server.engine_pid(VOICE), signal.SIGKILL)
    await weak_server.logged("engine_ended", after=known, engine=VOICE)
    events = await session.ended(await session.speak("Nothing has happened."))
    assert_spoken_whole(events, "Nothing has happened.")
    assert not names(events) & {"error"}


async def test_the_page_tells_what_failed_and_goes_on(
    chromium: Chromium, weak_server: RunningServer, weak_llm: FakeLlm
) -> None:
    weak_llm.mode = "bad_gateway"
    async with chromium.visit(weak_server.url) as page:
        await page.live()
        await page.write("Are you well?")
        await page.page.locator("[data-testid=notice][data-code=llm_failed]").wait_for(timeout=10_000)
        await page.status("idle")
        weak_llm.mode = "normal"
        turn = await page.write("And now?")
        await page.event("assistant.message", turn)
        await page.status("idle")


@pytest.mark.parametrize(
    ("path", "content", "status"),
    [
        ("speak", b"{not json", 400),
        ("speak", b'{"text": 7}', 400),
        ("speak", b"{}", 400),
        ("speak", b'{"text": "  "}', 400),
        ("chat", b"[]", 400),
        ("chat", b"\xff\xfe", 400),
        ("webrtc/offer", b'{"sdp": "nonsense", "type": "offer"}', 400),
        ("webrtc/offer", b'{"sdp": "v=0", "type": "answer"}', 400),
        ("nonsense", b"{}", 404),
    ],
)
async def test_a_broken_request_changes_nothing(
    path: str, content: bytes, status: int, session: ApiSession
) -> None:
    answer = await session.http.post(
        f"/sessions/{session.id}/{path}", content=content, headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == status
    assert isinstance(answer.json()["detail"], str)
    elsewhere = await session.http.post("/sessions/not-there/speak", json={"text": "Hello."})
    assert elsewhere.status_code == 404
    turn = await session.speak("Yes, of course.")
    assert_spoken_whole(await session.ended(turn), "Yes, of course.")
    assert {event.turn_id for event in session.events if event.turn_id} == {turn}


async def test_many_broken_turns_leave_nothing_behind(weak_server: RunningServer, weak_llm: FakeLlm) -> None:
    async def some_broken_turns() -> None:
        async with ApiSession(weak_server.url) as session:
            for mode in ("cut", "not_json", "bad_gateway", "cut"):
                weak_llm.mode = mode
                await session.ended(await session.chat("Are you well?"))

    await some_broken_turns()
    await eventually(lambda: weak_server.media_sockets() == 0, "media sockets closed")
    files, children, threads = weak_server.open_files(), len(weak_server.children()), weak_server.threads()
    await some_broken_turns()
    await some_broken_turns()
    await eventually(lambda: weak_server.open_files() <= files + 2, f"about {files} open files again")
    assert len(weak_server.children()) == children
    assert weak_server.threads() <= threads
