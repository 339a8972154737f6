"""What a session's conversation has been so far, cut to what was heard."""

from collections.abc import Sequence

from opentalking.core.conversation import Message


class History:
    """The messages of one session, oldest first; bounded in number."""

    def __init__(self, system_prompt: str, max_messages: int) -> None:
        self._system = Message("system", system_prompt)
        self._max = max_messages
        self._messages: list[Message] = []

    def ask(self, prompt: str) -> Sequence[Message]:
        """Record the user's words; the messages that the model is to answer."""
        self._add(Message("user", prompt))
        return [self._system, *self._messages]

    def asking(self, prompt: str) -> Sequence[Message]:
        """The messages that the model would have to answer if these were the user's words."""
        return [self._system, *self._messages, Message("user", prompt)]

    def heard(self, text: str, *, interrupted: bool) -> None:
        """Record what of the answer the user heard; nothing heard leaves no entry."""
        if text.strip():
            self._add(Message("assistant", text.strip(), interrupted=interrupted))

    def _add(self, message: Message) -> None:
        self._messages.append(message)
        del self._messages[: -self._max]
