"""Making and deleting cloned voices: nothing is left behind by a failure, wherever it happens."""

import asyncio
import re
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass
from typing import Any

import structlog

from opentalking.catalog.uploads import SampleUploads
from opentalking.catalog.voices import Clone, NewClone, VoiceCatalog
from opentalking.core.cloning import VoiceCloner, VoiceOrder
from opentalking.core.consent import Consent, consent_of
from opentalking.core.errors import (
    InvalidInput,
    NotFound,
    OpenTalkingError,
    ProviderError,
    TooMany,
    Unavailable,
)
from opentalking.services.storage import storage_errors
from opentalking.services.voice_samples import sample_wav
from opentalking.services.voices import VoiceEntry, VoiceService, clone_entry

_log = structlog.get_logger(__name__)
_NAME_MAX_CHARACTERS = 100
_TRANSCRIPT_MAX_CHARACTERS = 10_000
_INTEGER = re.compile(r"[+-]?[0-9]+")
_INTEGER_MAX_DIGITS = 20
_SWEEP_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class CloneConfig:
    """Limits, and what the operator says about this server.

    `public_base_url` is where services find it. At most `at_once` voices are made at the same time.
    When the server stops, those that are being made get `closing_seconds` to finish.
    """

    public_base_url: str = ""
    require_consent: bool = False
    at_once: int = 4
    closing_seconds: float = 1.0


@dataclass(frozen=True, slots=True)
class CloneForm:
    """The fields of a request as they were sent; None: not sent."""

    provider: str
    target_model: str
    display_label: str
    prefix: str | None = None
    preferred_name: str | None = None
    prompt_text: str | None = None
    consent: str | None = None


@dataclass(frozen=True, slots=True)
class ClonePlan:
    """A checked form: who makes the voice, and how it will be called."""

    provider: str
    cloner: VoiceCloner
    target_model: str
    display_label: str
    name: str
    transcript: str
    consent: Consent


@dataclass(frozen=True, slots=True)
class Deleted:
    """A voice is deleted here; `left_at` says why its service still has it ("" when it has not)."""

    left_at: str = ""


class VoiceCloneService:
    """Clones voices with `cloners`, by provider name."""

    def __init__(
        self,
        voices: VoiceService,
        catalog: VoiceCatalog,
        cloners: Mapping[str, VoiceCloner],
        uploads: SampleUploads,
        config: CloneConfig | None = None,
        aliases: Mapping[str, str] | None = None,
    ) -> None:
        self._voices = voices
        self._catalog = catalog
        self._cloners = cloners
        self._uploads = uploads
        self._config = config or CloneConfig()
        self._aliases = aliases or {}
        self._making: set[asyncio.Task[Clone]] = set()
        self._calls: set[asyncio.Task[str]] = set()
        self._callers = 0

    def plan(self, form: CloneForm) -> ClonePlan:
        """Check everything but the sample; raises `InvalidInput`."""
        label = _named("display_label", form.display_label)
        target_model = _named("target_model", form.target_model)
        transcript = (form.prompt_text or "").strip()
        if len(transcript) > _TRANSCRIPT_MAX_CHARACTERS:
            raise InvalidInput(f"prompt_text is longer than {_TRANSCRIPT_MAX_CHARACTERS} characters")
        consent = consent_of(form.consent, required=self._config.require_consent)
        provider = self._aliases.get(form.provider, form.provider)
        cloner = self._cloners.get(provider)
        if cloner is None:
            raise InvalidInput(f"provider cannot clone voices; use one of {', '.join(sorted(self._cloners))}")
        name = cloner.voice_name(form.prefix or None, form.preferred_name or None)
        return ClonePlan(provider, cloner, target_model, label, name, transcript, consent)

    async def clone(self, plan: ClonePlan, sample: bytes) -> VoiceEntry:
        """Make a voice of an audio file.

        Goes on to its end when the caller goes away. Raises `InvalidInput` (the sample, or what must be
        set or installed here), `ProviderError` (key or service), `TooMany`, `Unavailable`.
        """
        if self._callers >= self._config.at_once:
            raise TooMany("too many voices are being made; try again in a moment", retry_after_seconds=10)
        self._callers += 1
        try:
            wav = await asyncio.to_thread(sample_wav, sample)
            if plan.cloner.fetches_sample:
                self._check_public_base_url()
            plan.cloner.check_cloning()
            task = asyncio.create_task(self._make(plan, wav), name="voice clone")
        except BaseException:
            self._callers -= 1
            raise
        self._making.add(task)
        task.add_done_callback(self._made)
        return clone_entry(await asyncio.shield(task))

    async def delete(self, entry_id: str) -> Deleted:
        """Delete a cloned voice, at its service first.

        Raises `InvalidInput` (no integer, or a system voice), `NotFound`, and `ProviderError` when the
        service would not: then the voice is kept, for another try. Without a key of the service
        it is deleted only here.
        """
        number = _integer(entry_id)
        clone = await asyncio.to_thread(self._catalog.get, number)
        if clone is None:
            if self._voices.is_system(number):
                raise InvalidInput("this is a system voice; only cloned voices can be deleted")
            raise NotFound("voice not found")
        left_at = await self._delete_at_service(clone)
        if not await asyncio.to_thread(self._catalog.remove, number):
            raise NotFound("voice not found")
        self._voices.forget(number)
        return Deleted(left_at)

    async def sample(self, token: str) -> bytes:
        """A sample that a service may fetch, as a WAV file; raises `NotFound`."""
        wav = await asyncio.to_thread(self._uploads.read, token)
        if wav is None:
            raise NotFound("there is no such sample, or its time is over")
        return wav

    async def run(self) -> None:
        """Delete samples when their time is over, until cancelled."""
        while True:
            try:
                await asyncio.to_thread(self._uploads.sweep)
            except OSError as error:
                _log.error("voice samples cannot be deleted", error=str(error))
            await asyncio.sleep(_SWEEP_SECONDS)

    async def aclose(self) -> None:
        """Let voices that are being made finish for a moment, then end their calls; idempotent."""
        if self._making:
            await asyncio.wait(self._making, timeout=self._config.closing_seconds)
        for call in self._calls:
            call.cancel()
        if self._making:
            await asyncio.wait(self._making)

    def _check_public_base_url(self) -> None:
        if not self._config.public_base_url.startswith(("http://", "https://")):
            raise InvalidInput(
                "this service fetches the sample from here, so OPENTALKING_PUBLIC_BASE_URL must be set "
                "to the http(s) address at which the internet reaches this server"
            )

    def _made(self, task: "asyncio.Task[Clone]") -> None:
        self._making.discard(task)
        self._callers -= 1
        # its caller may have gone away
        if not task.cancelled() and task.exception() is None:
            self._voices.remember(clone_entry(task.result()))

    async def _make(self, plan: ClonePlan, wav: bytes) -> Clone:
        token = ""
        if plan.cloner.fetches_sample:
            with storage_errors("the sample"):
                token = await asyncio.to_thread(self._uploads.put, wav)
        try:
            url = f"{self._config.public_base_url.rstrip('/')}/voice-uploads/{token}" if token else ""
            voice_id = await self._call(
                plan.cloner.create_voice(VoiceOrder(plan.target_model, plan.name, wav, url, plan.transcript)),
                plan.provider,
            )
            clone = await self._remember(plan, voice_id)
        except BaseException:
            await asyncio.to_thread(self._uploads.drop, token)
            raise
        _log.info("voice cloned", provider=plan.provider, entry_id=clone.id)
        return clone

    async def _call(self, creating: Coroutine[Any, Any, str], provider: str) -> str:
        """Await the service in a task of its own, which `aclose` may cancel."""
        call = asyncio.create_task(creating, name="voice service")
        self._calls.add(call)
        try:
            return await call
        except asyncio.CancelledError:
            _log.warning("voice not awaited; its service may have made it", provider=provider)
            raise Unavailable("the server is stopping; list the voices of your account") from None
        finally:
            self._calls.discard(call)

    async def _remember(self, plan: ClonePlan, voice_id: str) -> Clone:
        new = NewClone(plan.provider, voice_id, plan.display_label, plan.target_model, plan.consent)
        try:
            return await asyncio.to_thread(self._catalog.add, new)
        except BaseException:
            try:
                await plan.cloner.delete_voice(voice_id)
            except OpenTalkingError as error:
                _log.error(
                    "voice left at its service",
                    provider=plan.provider,
                    voice_id=voice_id,
                    error=error.log_message,
                )
            raise

    async def _delete_at_service(self, clone: Clone) -> str:
        cloner = self._cloners.get(clone.provider)
        reason = f"{clone.provider} is not known here" if cloner is None else cloner.undeletable()
        if cloner is None or reason:
            _log.warning("voice left at its service", provider=clone.provider, voice_id=clone.voice_id)
            return reason
        try:
            await cloner.delete_voice(clone.voice_id)
        except ProviderError as error:
            raise ProviderError(
                f"the voice is kept, for its service did not delete it: {error.message}",
                stage=error.stage,
                provider=error.provider,
                retryable=error.retryable,
            ) from error
        return ""


def _named(field: str, text: str) -> str:
    """A name on one line, without space around it; raises `InvalidInput`."""
    name = text.strip()
    if not name:
        raise InvalidInput(f"{field} is blank; send at least one character")
    if len(name) > _NAME_MAX_CHARACTERS:
        raise InvalidInput(f"{field} is longer than {_NAME_MAX_CHARACTERS} characters; shorten it")
    if not name.isprintable():
        raise InvalidInput(f"{field} must be one line of printable characters")
    return name


def _integer(text: str) -> int:
    if _INTEGER.fullmatch(text) is None:
        raise InvalidInput("entry_id must be an integer, as in GET /voices")
    if len(text.lstrip("+-0")) > _INTEGER_MAX_DIGITS:
        raise NotFound("voice not found")
    return int(text)
