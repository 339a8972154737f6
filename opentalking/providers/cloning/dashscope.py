"""Voices of Qwen (the sample travels in the call) and of CosyVoice (the service fetches the sample)."""

import asyncio
import base64
import re
import secrets
from collections.abc import Mapping
from typing import Any

from opentalking.core.cloning import VoiceOrder
from opentalking.core.errors import InvalidInput, ProviderError
from opentalking.providers.cloning.customization import Customization, DashScopeConfig, Refused

_GONE = frozenset({"BadRequest.VoiceNotFound", "BadRequest.ResourceNotExist"})
"""Codes that answer the deletion of a voice that does not exist (any more)."""
_VOICE_ID_MAX_CHARACTERS = 256
_PREFERRED_NAME = re.compile(r"[a-z][a-z0-9_]{0,19}")
_PREFIX = re.compile(r"[a-z0-9]{1,9}")


class _DashScopeCloner:
    """What both have in common; `_delete` are an action's name and the field of the voice's id."""

    fetches_sample = False
    _provider: str
    _model: str
    _delete: tuple[str, str]

    def __init__(self, config: DashScopeConfig) -> None:
        self._service = Customization(config, self._provider, self._model)

    def check_cloning(self) -> None:
        """Raise `ProviderError` when no key is set."""
        self._service.check()

    def undeletable(self) -> str:
        """ "" with a key: only with that one can a voice be deleted."""
        try:
            self._service.check()
        except ProviderError as error:
            return error.message
        return ""

    async def delete_voice(self, voice_id: str) -> None:
        """Delete at the service, which frees a place in the account's quota."""
        action, field = self._delete
        try:
            await self._service.call(action, {field: voice_id})
        except Refused as refusal:
            if refusal.reason not in _GONE:
                raise

    def _made(self, output: Mapping[str, Any], field: str) -> str:
        voice_id = output.get(field)
        if not isinstance(voice_id, str) or not 0 < len(voice_id) <= _VOICE_ID_MAX_CHARACTERS:
            raise self._service.error("answered without the id of a voice")
        if not voice_id.isprintable():
            raise self._service.error("answered with an id that cannot be one")
        return voice_id


class QwenCloner(_DashScopeCloner):
    """Makes Qwen voices; `VoiceOrder.name` is the service's `preferred_name`."""

    _provider = "dashscope"
    _model = "qwen-voice-enrollment"
    _delete = ("delete", "voice")

    def voice_name(self, prefix: str | None, preferred_name: str | None) -> str:
        """The preferred name; raises `InvalidInput` where the service would refuse it."""
        name = preferred_name or f"u{secrets.token_hex(4)}"
        if _PREFERRED_NAME.fullmatch(name) is None:
            raise InvalidInput(
                "preferred_name must begin with a letter and have 1 to 20 of a-z, 0-9 and _, e.g. amy_2"
            )
        return name

    async def create_voice(self, order: VoiceOrder) -> str:
        """Enrol the sample, sent as a data URL."""
        sample = await asyncio.to_thread(lambda: base64.b64encode(order.wav).decode())
        fields: dict[str, Any] = {
            "target_model": order.target_model,
            "preferred_name": order.name,
            "audio": {"data": f"data:audio/wav;base64,{sample}"},
        }
        if order.transcript:
            fields["text"] = order.transcript
        return self._made(await self._service.call("create", fields), "voice")


class CosyVoiceCloner(_DashScopeCloner):
    """Makes CosyVoice voices; `VoiceOrder.name` is the service's `prefix`."""

    fetches_sample = True
    _provider = "cosyvoice"
    _model = "voice-enrollment"
    _delete = ("delete_voice", "voice_id")

    def voice_name(self, prefix: str | None, preferred_name: str | None) -> str:
        """The prefix; raises `InvalidInput` where the service would refuse it."""
        name = prefix or f"c{secrets.token_hex(3)}"
        if _PREFIX.fullmatch(name) is None:
            raise InvalidInput("prefix must have 1 to 9 of a-z and 0-9, e.g. amy2")
        return name

    async def create_voice(self, order: VoiceOrder) -> str:
        """Enrol the sample, which the service fetches from `order.url`."""
        fields = {"target_model": order.target_model, "prefix": order.name, "url": order.url}
        return self._made(await self._service.call("create_voice", fields), "voice_id")
