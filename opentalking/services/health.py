"""What `/health` and `/queue/status` report; the container knows how to find it out."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog

from opentalking.core.ai_label import AI_LABEL
from opentalking.core.conversation import ChatModelInfo
from opentalking.core.errors import OpenTalkingError

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class HealthInfo:
    """Who does which stage. `*_ready` is true when that stage can work as configured.

    `turn_detection` is whether a session can be talked to hands-free.
    `ai_label` is what people are told of the face; `require_consent` is whether faces and voices are
    taken only with `consent=true`.
    """

    llm: ChatModelInfo
    tts_provider: str
    tts_ready: bool
    stt_provider: str
    stt_ready: bool
    turn_detection: bool = False
    ai_label: str = AI_LABEL
    require_consent: bool = False


@dataclass(frozen=True, slots=True)
class QueueStatus:
    """Whether a new session would wait, and how many wait."""

    slot_occupied: bool = False
    queue_size: int = 0


async def queue_status(ask: Callable[[], Awaitable[QueueStatus]] | None) -> QueueStatus:
    """What `ask` finds; a store or worker that fails reads as an empty queue."""
    if ask is None:
        return QueueStatus()
    try:
        return await ask()
    except (OpenTalkingError, OSError, TimeoutError) as error:
        _log.warning("queue.status_failed", error=type(error).__name__)
        return QueueStatus()
