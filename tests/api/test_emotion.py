"""The `emotion` field of `/chat` and `/speak`."""

import httpx
import pytest

from opentalking.core.commands import StartChat, StartSpeak
from opentalking.core.conversation import EMOTIONS
from tests.api.harness import Api, new_session


async def test_a_turn_may_have_an_emotion(client: httpx.AsyncClient, api: Api) -> None:
    session_id = await new_session(client)
    for action, body in (
        ("chat", {"prompt": "hi", "emotion": "happy"}),
        ("speak", {"text": "hi", "emotion": "serious"}),
        ("speak", {"text": "hi", "emotion": ""}),
    ):
        assert (await client.post(f"/sessions/{session_id}/{action}", json=body)).status_code == 200
    turns = [one for one in api.worker.commands() if isinstance(one, StartChat | StartSpeak)]
    assert [turn.emotion for turn in turns] == ["happy", "serious", "neutral"]


@pytest.mark.parametrize("action", ["chat", "speak"])
async def test_an_unknown_emotion_is_answered_with_the_known_ones(
    client: httpx.AsyncClient, api: Api, action: str
) -> None:
    session_id = await new_session(client)
    answer = await client.post(f"/sessions/{session_id}/{action}", json={"text": "hi", "emotion": "furious"})
    assert answer.status_code == 400
    assert all(name in answer.json()["detail"] for name in ("emotion", *EMOTIONS))
    assert len(api.worker.commands()) == 1
