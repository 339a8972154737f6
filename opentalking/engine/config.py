"""Limits and choices of the engine, and the parts it works with."""

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from opentalking.audio.echo import EchoGuard
from opentalking.core.avatars import AvatarBundle
from opentalking.core.conversation import EMOTIONS, TurnTaking
from opentalking.core.ports import CommandBus, EventBus, SessionStore
from opentalking.core.providers import ChatModel, Renderer, SpeechToText, TextToSpeech, TurnDetector
from opentalking.core.turns import TurnObserver
from opentalking.engine.said import SaidSpool
from opentalking.media.clock import MediaTicker
from opentalking.media.figures import OutputTotals
from opentalking.media.idle import IdleCache
from opentalking.rtc.peer import RtcConfig

DEFAULT_SYSTEM_PROMPT = (
    "You are a friendly person on a video call. Answer in one or two short, plain sentences, "
    "in the user's language, without lists, markup or emoji."
)
EMOTION_TAGS_PROMPT = (
    "Where a sentence should show a feeling, put one of "
    + ", ".join(f"[{name}]" for name in EMOTIONS)
    + " before it; the tag itself is never read out."
)


@dataclass(frozen=True, slots=True)
class AdmissionConfig:
    """How many sessions run, and who may wait; seconds, 0 switches a limit off."""

    max_sessions: int = 8
    queue_sessions: bool = False
    queue_max_size: int = 32
    slot_queue_max_size: int = 3
    slot_timeout_seconds: float = 3600.0
    slot_session_seconds: float = 600.0


@dataclass(frozen=True, slots=True)
class RecordingConfig:
    """Where recordings go (None: nowhere), when they stop by themselves, and whether DELETE spares them."""

    directory: Path | None = None
    max_seconds: float = 3600.0
    max_bytes: int = 2 * 2**30
    keep_deleted: bool = False


@dataclass(frozen=True, slots=True)
class EngineConfig:
    """Limits of sessions and turns; seconds, 0 switches a limit off where that makes sense."""

    admission: AdmissionConfig = AdmissionConfig()
    recordings: RecordingConfig = RecordingConfig()
    system_prompt: str = ""
    emotion_tags: bool = False
    tts_provider: str = "local"
    tts_fallback: str | None = "local"
    stt_provider: str = "local"
    stt_fallback: str | None = "local"
    recognition_seconds: float = 50.0
    turn_taking: TurnTaking = "auto"
    first_audio_timeout_seconds: float = 20.0
    next_audio_timeout_seconds: float = 20.0
    history_messages: int = 40
    create_reply_seconds: float = 10.0
    load_timeout_seconds: float = 60.0
    offer_wait_seconds: float = 30.0
    connect_timeout_seconds: float = 300.0
    reconnect_timeout_seconds: float = 15.0
    idle_timeout_seconds: float = 1800.0
    error_linger_seconds: float = 60.0
    expiring_notice_seconds: float = 60.0
    close_timeout_seconds: float = 2.0
    video_bitrate: int = 500_000
    rtc: RtcConfig = field(default_factory=RtcConfig)

    def instructions(self, own: str | None = None, persona: str = "") -> str:
        """What the model is told first: the session's `own` prompt, else the avatar's `persona`, else the
        server's; and the emotion tags.
        """
        prompt = own or persona or self.system_prompt or DEFAULT_SYSTEM_PROMPT
        return f"{prompt}\n{EMOTION_TAGS_PROMPT}" if self.emotion_tags else prompt


class AvatarSource(Protocol):
    """Where bundles come from."""

    async def bundle(self, avatar_id: str) -> AvatarBundle:
        """The bundle; raises `NotFound`."""
        ...


@dataclass(frozen=True, slots=True)
class Toolbox:
    """What a worker lends to its sessions; shared, and closed by whoever made it."""

    events: EventBus
    commands: CommandBus
    store: SessionStore
    avatars: AvatarSource
    renderers: Mapping[str, Renderer]
    speakers: Mapping[str, TextToSpeech]
    chat_model: ChatModel
    ticker: MediaTicker
    idle_cache: IdleCache
    encode_pool: Executor
    said: SaidSpool | None = None
    recording_pool: Executor | None = None
    recognisers: Mapping[str, SpeechToText] = field(default_factory=dict)
    turn_detector: TurnDetector | None = None
    observers: Sequence[TurnObserver] = ()
    clock: Callable[[], float] = time.monotonic
    """Of everything that is measured: monotonic seconds, those of `HeardTimes` and `TurnTimes`."""
    echo_guard: Callable[[], EchoGuard] = EchoGuard
    output_totals: OutputTotals = field(default_factory=OutputTotals)
