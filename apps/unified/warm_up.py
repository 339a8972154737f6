"""What is prepared in the background when a server has started."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import structlog

from apps.unified.avatars import sweep
from opentalking.core.avatars import AvatarBundle
from opentalking.core.errors import OpenTalkingError
from opentalking.engine.config import EngineConfig, Toolbox
from opentalking.services.avatars import AvatarService
from opentalking.services.preparation import FacePreparer
from opentalking.settings import Settings

ALL_OTHERS = "*"

log = structlog.get_logger(__name__)


async def warm_up(settings: Settings, toolbox: Toolbox, avatars: AvatarService) -> None:
    """Prepare what a first visitor needs: face, voice, ears and model; then the other characters.

    Every failure is a log line.
    """
    await _try("avatars", sweep(settings))
    names = [part.strip() for part in settings.prewarm_avatars.split(",") if part.strip()]
    warmed: list[AvatarBundle] = []
    for avatar_id in names:
        if avatar_id != ALL_OTHERS:
            await _try("avatar", _warm_named(settings, toolbox, avatar_id, warmed))
    speaker = toolbox.speakers.get(settings.tts_default_provider)
    if speaker is not None and not speaker.ready():
        voices = [voice for avatar in warmed for voice in avatar.voices.values()]
        await _try("voice", speaker.warm(list(dict.fromkeys(voices))))
    if (detector := toolbox.turn_detector) is not None and not detector.ready():
        await _try("turn detector", detector.warm())
    told = EngineConfig(system_prompt=settings.llm_system_prompt, emotion_tags=settings.llm_emotion_tags)
    persona = warmed[0].persona_prompt if warmed else ""
    await _try("chat model", toolbox.chat_model.warm(told.instructions(persona=persona)))
    recogniser = toolbox.recognisers.get(settings.stt_default_provider)
    if recogniser is not None and not recogniser.ready():
        await _try("recogniser", recogniser.warm())
    log.info("warm")
    if ALL_OTHERS in names:
        await _try("avatars", _warm_others(settings, toolbox, avatars, {bundle.id for bundle in warmed}))


async def _try(what: str, work: Coroutine[Any, Any, None]) -> None:
    outcome = (await asyncio.gather(work, return_exceptions=True))[0]
    if isinstance(outcome, OpenTalkingError):
        log.warning("could not be prepared", what=what, error=outcome.log_message)
    elif isinstance(outcome, Exception):
        log.error("preparing failed", what=what, exc_info=outcome)


async def _warm_named(
    settings: Settings, toolbox: Toolbox, avatar_id: str, warmed: list[AvatarBundle]
) -> None:
    bundle = await toolbox.avatars.bundle(avatar_id)
    warmed.append(bundle)
    await _warm_face(settings, toolbox, bundle)


async def _warm_others(settings: Settings, toolbox: Toolbox, avatars: AvatarService, done: set[str]) -> None:
    """One after another, so that a visitor who is there already keeps a core."""
    for bundle in await avatars.all():
        if bundle.id not in done:
            await _try("avatar", _warm_named(settings, toolbox, bundle.id, []))
    log.info("all avatars prepared")


async def _warm_face(settings: Settings, toolbox: Toolbox, bundle: AvatarBundle) -> None:
    preparer = FacePreparer(toolbox.renderers, toolbox.idle_cache)
    if preparer.can(settings.default_model):
        await preparer.prepare(bundle, settings.default_model)
