"""What a session lends to its ear."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass

from opentalking.engine.config import Toolbox
from opentalking.engine.hearing import BeginTurn, Hearing
from opentalking.engine.report import Emit
from opentalking.engine.talk import Conversation
from opentalking.media.output import MediaOutput


@dataclass(frozen=True, slots=True)
class EarParts:
    """What a session lends to its ear."""

    session_id: str
    tools: Toolbox
    output: MediaOutput
    hearing: Hearing
    talk: Conversation
    emit: Emit


@dataclass(frozen=True, slots=True)
class EarWays:
    """What an ear may ask of its session.

    `begin_turn` is called with `Hearing.order` held, `touch` when words are recognised; tasks made by `spawn`
    end with the session; `can_talk` tells whether a turn may begin.
    """

    begin_turn: BeginTurn
    touch: Callable[[], None]
    spawn: Callable[[Coroutine[None, None, None]], asyncio.Task[None]]
    can_talk: Callable[[], bool]
