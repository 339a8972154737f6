"""What of a conversation is sent to the model."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from opentalking.core.conversation import Message
from opentalking.text.language import language_of

INTERRUPTED = {"en": "(I interrupted you there.)", "zh": "（我在这里打断了你。）"}
"""What a model is told, with the words that interrupted it, in their language."""


@dataclass(frozen=True, slots=True)
class HistoryLimits:
    """How much of a conversation a model is given: the latest messages within both limits.

    System messages are always sent and do not count; neither limit drops the latest message.
    """

    max_messages: int = 40
    max_characters: int = 24_000


def fit_history(messages: Sequence[Message], limits: HistoryLimits) -> list[Message]:
    """The system messages and the latest others that fit, alternating between user and assistant.

    Empty messages are left out (an answer that was interrupted before anything was heard), and
    neighbours of one role are joined: many chat templates refuse two in a row, and an answer without a
    question in front when older messages were dropped. What is said after an interrupted answer begins with a
    note of that, which a model is less tempted to repeat than one in its own words.
    """
    system = [message for message in messages if message.role == "system" and message.content.strip()]
    spoken = [message for message in messages if message.role != "system" and message.content.strip()]
    others = _alternating(_noting_interruptions(spoken))
    kept: list[Message] = []
    characters = 0
    for message in reversed(others):
        characters += len(message.content)
        if kept and (len(kept) >= limits.max_messages or characters > limits.max_characters):
            break
        kept.append(message)
    kept.reverse()
    if len(kept) < len(others) and len(kept) > 1 and kept[0].role == "assistant":
        del kept[0]
    return [*system, *kept]


def whole_exchanges(messages: Sequence[Message]) -> list[Message]:
    """Questions with whole answers, and the latest message; for a model that imitates what was cut off.

    System messages are left out.
    """
    spoken = [message for message in messages if message.role != "system" and message.content.strip()]
    kept: list[Message] = []
    for message, following in pairwise(spoken):
        if message.role == "user" and following.role == "assistant" and not following.interrupted:
            kept += [message, following]
    latest = spoken[-1:]
    return kept if kept[-1:] == latest else [*kept, *latest]


def _noting_interruptions(messages: Sequence[Message]) -> list[Message]:
    noted: list[Message] = []
    for message in messages:
        if noted and noted[-1].interrupted and message.role == "user":
            note = INTERRUPTED[language_of(message.content)]
            noted.append(Message("user", f"{note} {message.content}"))
        else:
            noted.append(message)
    return noted


def _alternating(messages: Sequence[Message]) -> list[Message]:
    joined: list[Message] = []
    for message in messages:
        if joined and joined[-1].role == message.role:
            joined[-1] = Message(
                message.role, f"{joined[-1].content}\n{message.content}", message.interrupted
            )
        else:
            joined.append(message)
    return joined
