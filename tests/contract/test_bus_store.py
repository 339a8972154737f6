"""What every `SessionStore` does."""

from datetime import UTC, datetime, timedelta

from opentalking.core.ports import SessionStore
from opentalking.core.sessions import SessionRecord, SessionSettings, SessionState, transition

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


def record(session_id: str, age_seconds: float = 0) -> SessionRecord:
    settings = SessionSettings(avatar_id="a", model="m", llm_system_prompt="be kind")
    created_at = NOON - timedelta(seconds=age_seconds)
    return SessionRecord(session_id=session_id, settings=settings, created_at=created_at)


async def test_what_is_put_comes_back_whole(store: SessionStore) -> None:
    assert await store.get("s") is None
    await store.put(record("s"))
    assert await store.get("s") == record("s")


async def test_putting_again_replaces(store: SessionStore) -> None:
    await store.put(record("s"))
    moved = transition(record("s"), SessionState.INITIALIZING)
    await store.put(moved)
    assert await store.get("s") == moved
    assert await store.all() == [moved]


async def test_all_is_oldest_first(store: SessionStore) -> None:
    for session_id, age_seconds in (("young", 1), ("old", 60), ("middle", 30)):
        await store.put(record(session_id, age_seconds))
    await store.put(transition(record("old", 60), SessionState.INITIALIZING))
    assert [found.session_id for found in await store.all()] == ["old", "middle", "young"]


async def test_deleting_is_idempotent(store: SessionStore) -> None:
    await store.put(record("s"))
    await store.delete("s")
    await store.delete("s")
    assert await store.get("s") is None
    assert list(await store.all()) == []
