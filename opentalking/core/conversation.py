"""What is said, by whom, and what of it was heard."""

from dataclasses import dataclass
from typing import Literal, get_args

Role = Literal["system", "user", "assistant"]
Gender = Literal["", "female", "male"]
Emotion = Literal["neutral", "happy", "sad", "surprised", "serious"]
"""How something is said; the face shows it."""
EMOTIONS: tuple[Emotion, ...] = get_args(Emotion)


@dataclass(frozen=True, slots=True)
class Message:
    """One entry of a chat history; an interrupted answer holds only what was heard."""

    role: Role
    content: str
    interrupted: bool = False


@dataclass(frozen=True, slots=True)
class Delta:
    """A piece of a streamed answer, exactly as the model sent it."""

    text: str


@dataclass(frozen=True, slots=True)
class Transcript:
    """What was recognised of an utterance so far (each replaces the one before), or all of it."""

    text: str
    is_final: bool


TurnTaking = Literal["auto", "push_to_talk", "off"]
"""How a session's microphone is listened to: hands-free, while a button is held, not at all."""


@dataclass(frozen=True, slots=True)
class ChatModelInfo:
    """Who answers. `demo` is true for the tiny built-in model; `ready` is false when it cannot work."""

    provider: str
    model: str
    demo: bool = False
    ready: bool = True
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Voice:
    """A voice that a provider can speak with; what is not known of it is empty.

    `language` is a tag such as "en-US"; `engine` is the part of the provider that speaks it.
    """

    voice_id: str
    display_label: str
    provider: str
    target_model: str = ""
    source: Literal["clone", "system"] = "system"
    language: str = ""
    gender: Gender = ""
    engine: str = ""
    licence: str = ""
