"""Pages report how long an interrupted voice still sounded."""

from dataclasses import dataclass

import httpx
import pytest

from opentalking.client import AsyncClient, BadRequest, NotFound
from opentalking.core.commands import ReportSilence
from opentalking.core.ids import new_id
from opentalking.core.sessions import SessionState
from opentalking.services.playout import MAX_AT_ONCE, REPORTS_PER_SECOND, PlayoutService
from tests.api.harness import Api, new_session


@dataclass
class Clock:
    seconds: float = 1_000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock(api: Api) -> Clock:
    clock = Clock()
    api.services.playout = PlayoutService(api.services.sessions, api.bus, clock)
    return clock


def reports(api: Api) -> list[tuple[str, int]]:
    seen = [command for command in api.worker.commands() if isinstance(command, ReportSilence)]
    return [(one.turn_id, one.after_ms) for one in seen]


async def test_a_report_reaches_the_worker(client: httpx.AsyncClient, api: Api) -> None:
    session_id = await new_session(client)
    turn = new_id()
    for milliseconds in (0, 85, 60_000):
        answer = await client.post(
            f"/sessions/{session_id}/playout", json={"turn_id": turn, "silent_after_ms": milliseconds}
        )
        assert (answer.status_code, answer.json()) == (200, {"session_id": session_id, "status": "noted"})
    await client.post(f"/sessions/{session_id}/start")  # in order: its answer comes after the reports
    assert reports(api) == [(turn, 0), (turn, 85), (turn, 60_000)]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"turn_id": "t"},
        {"silent_after_ms": 5},
        {"turn_id": "", "silent_after_ms": 5},
        {"turn_id": "t" * 65, "silent_after_ms": 5},
        {"turn_id": 7, "silent_after_ms": 5},
        {"turn_id": "t", "silent_after_ms": -1},
        {"turn_id": "t", "silent_after_ms": 60_001},
        {"turn_id": "t", "silent_after_ms": 1.5},
        {"turn_id": "t", "silent_after_ms": "5"},
        {"turn_id": "t", "silent_after_ms": True},
    ],
)
async def test_nonsense_is_refused(client: httpx.AsyncClient, api: Api, body: dict[str, object]) -> None:
    session_id = await new_session(client)
    answer = await client.post(f"/sessions/{session_id}/playout", json=body)
    assert answer.status_code == 400
    assert reports(api) == []


async def test_nobody_reports_about_a_session_that_is_not_there(client: httpx.AsyncClient, api: Api) -> None:
    body = {"turn_id": "t", "silent_after_ms": 5}
    assert (await client.post(f"/sessions/{new_id()}/playout", json=body)).status_code == 404
    session_id = await new_session(client)
    await api.worker.move(session_id, SessionState.CLOSING)
    assert (await client.post(f"/sessions/{session_id}/playout", json=body)).status_code == 404


async def test_a_flood_is_refused_and_nobody_else_suffers(
    client: httpx.AsyncClient, api: Api, clock: Clock
) -> None:
    session_id, other = await new_session(client), await new_session(client)

    async def report(number: int, about: str = session_id) -> httpx.Response:
        body = {"turn_id": f"t{number}", "silent_after_ms": number}
        return await client.post(f"/sessions/{about}/playout", json=body)

    first = [await report(number) for number in range(MAX_AT_ONCE)]
    assert {answer.status_code for answer in first} == {200}
    refused = await report(MAX_AT_ONCE)
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "1")
    assert "4 reports a second" in refused.json()["detail"]
    assert (await report(MAX_AT_ONCE, other)).status_code == 200
    clock.seconds += 0.5
    assert [(await report(100 + number)).status_code for number in range(3)] == [200, 200, 429]
    clock.seconds += MAX_AT_ONCE / REPORTS_PER_SECOND
    again = [(await report(200 + number)).status_code for number in range(MAX_AT_ONCE + 1)]
    assert again == [200] * MAX_AT_ONCE + [429]
    await client.post(f"/sessions/{session_id}/start")
    assert len(reports(api)) == 2 * MAX_AT_ONCE + 3, "what is refused reaches no worker"


async def test_the_client_reports(api: Api) -> None:
    async with api.served() as url, AsyncClient(url) as server:
        made = await server.create_session("demo-avatar", "portrait")
        noted = await server.report_playout(made.session_id, "t", 85)
        assert (noted.session_id, noted.status) == (made.session_id, "noted")
        with pytest.raises(BadRequest):
            await server.report_playout(made.session_id, "t", -1)
        with pytest.raises(NotFound):
            await server.report_playout(new_id(), "t", 1)
