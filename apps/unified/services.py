"""The services behind the API, made of a worker's parts."""

from pathlib import Path

import apps.web
from apps.api.deps import ApiServices
from apps.unified.avatars import avatar_services, avatar_source
from apps.unified.exports import make_exports
from apps.unified.guard import make_guard
from apps.unified.recordings import recording_service
from apps.unified.voices import make_voices
from opentalking.core.ai_label import label_of
from opentalking.engine.config import Toolbox
from opentalking.engine.worker import Worker
from opentalking.providers.builtin import (
    CLOSED_ENGINES,
    RECOGNISER_NAMES,
    SPEECH_ALIASES,
    SPEECH_NAMES,
)
from opentalking.services.avatars import AvatarService
from opentalking.services.health import HealthInfo, QueueStatus
from opentalking.services.listening import ListeningService
from opentalking.services.models import ModelService
from opentalking.services.names import ProviderNames
from opentalking.services.playing import PlayService
from opentalking.services.playout import PlayoutService
from opentalking.services.recognition import RecognitionService
from opentalking.services.sessions import Offered, SessionLimits, SessionPorts, SessionService
from opentalking.services.speech import SpeechLimits, SpeechService
from opentalking.services.voice_choice import VoiceChoices
from opentalking.settings import Environment, Settings

WEB_DIST = Path(next(iter(apps.web.__path__))) / "dist"


def make_services(
    environment: Environment, toolbox: Toolbox, worker: Worker, models: ModelService, avatars: AvatarService
) -> ApiServices:
    """What the routes call, over the parts of one worker; `lifespan` is left to the caller."""
    settings = environment.settings
    names = ProviderNames(
        SPEECH_NAMES | set(toolbox.speakers), RECOGNISER_NAMES | set(toolbox.recognisers), SPEECH_ALIASES
    )
    default_speech = SPEECH_ALIASES.get(settings.tts_default_provider, settings.tts_default_provider)
    voices, clones = make_voices(settings, toolbox.speakers)
    choices = VoiceChoices(voices, names, default_speech, CLOSED_ENGINES)
    sessions = SessionService(
        SessionPorts(toolbox.store, toolbox.commands, toolbox.events),
        Offered(avatars, models, names, choices),
        SessionLimits(speak_as_chat=settings.speak_mode == "chat"),
    )

    limits = SpeechLimits(characters=settings.tts_preview_max_chars)
    studio, customisations = avatar_services(settings, toolbox, avatars, models)
    return ApiServices(
        sessions=sessions,
        avatars=avatars,
        studio=studio,
        customisations=customisations,
        voices=voices,
        clones=clones,
        recordings=recording_service(settings, toolbox),
        recognition=RecognitionService(sessions, toolbox.commands, names),
        listening=ListeningService(sessions, toolbox.commands),
        playout=PlayoutService(sessions, toolbox.commands),
        speech=SpeechService(toolbox.speakers, choices, default_speech, limits),
        playing=PlayService(sessions, toolbox.commands),
        models=models,
        exports=make_exports(environment, toolbox, avatar_source(settings, avatars)),
        events=toolbox.events,
        health=lambda: _health(settings, toolbox),
        queue_status=lambda: _queue_status(worker),
        cors_origins=tuple(o.strip() for o in settings.cors_origins.split(",") if o.strip()),
        guard=make_guard(settings),
        web_dist=WEB_DIST if WEB_DIST.is_dir() else None,
    )


def _health(settings: Settings, toolbox: Toolbox) -> HealthInfo:
    speaks = SPEECH_ALIASES.get(settings.tts_default_provider, settings.tts_default_provider)
    speaker = toolbox.speakers.get(speaks)
    listener = toolbox.recognisers.get(settings.stt_default_provider)
    return HealthInfo(
        llm=toolbox.chat_model.info(),
        tts_provider=speaks,
        tts_ready=speaker is not None and not speaker.ready(),
        stt_provider=settings.stt_default_provider,
        stt_ready=listener is not None and not listener.ready(),
        turn_detection=toolbox.turn_detector is not None and not toolbox.turn_detector.ready(),
        ai_label=label_of(settings.ai_label),
        require_consent=settings.require_consent,
    )


async def _queue_status(worker: Worker) -> QueueStatus:
    return QueueStatus(worker.admission.slot_occupied, worker.admission.queue_size)
