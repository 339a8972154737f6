"""How a session's microphone is listened to."""

from opentalking.core.commands import Listen, Listening
from opentalking.core.conversation import TurnTaking
from opentalking.core.ports import CommandBus
from opentalking.services.sessions import SessionService

COMMAND_SECONDS = 10.0


class ListeningService:
    """Chooses between hands-free, push-to-talk and not at all, and passes the button on.

    Common errors: `NotFound` when there is no such session, `Conflict` when it cannot talk (yet) or has no
    button, `Unavailable` when its worker is gone or does not answer in time.
    """

    def __init__(self, sessions: SessionService, commands: CommandBus) -> None:
        self._sessions, self._bus = sessions, commands

    async def listen(
        self, session_id: str, turn_taking: TurnTaking | None = None, talking: bool | None = None
    ) -> Listening:
        """Change what is not None, the mode first; returns how the session listens now."""
        await self._sessions.require_talking(session_id)
        command = Listen(session_id=session_id, turn_taking=turn_taking, talking=talking)
        reply = await self._bus.call(command, COMMAND_SECONDS)
        if not isinstance(reply, Listening):
            raise TypeError(f"a worker answered with {type(reply).__name__}")
        return reply
