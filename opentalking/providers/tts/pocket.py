"""The engine Pocket TTS behind the provider `local`: voices made from people's samples, on this machine.

The user installs its package and weights; they are not ours to hand out. Whether they are there is found
out without loading them.
"""

import importlib.util
import re
import uuid
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path
from typing import Any

import yaml

from opentalking.core.cloning import VoiceOrder
from opentalking.core.conversation import Voice
from opentalking.core.errors import InvalidInput, ProviderError, provider_errors
from opentalking.core.media import Speech
from opentalking.inference.spoken import has_wide
from opentalking.providers.tts.child_engine import PROVIDER, ChildEngine, ChildLimits, Needs
from opentalking.text.language import Language

_PACKAGE = "pocket_tts"
_PACKAGE_REMEDY = "pip install 'pocket-tts>=4,<5' into the environment of this server"
_WEIGHTS_REMEDY = (
    "accept the terms at https://huggingface.co/kyutai/pocket-tts, then run `hf auth login` and, once, "
    "`pocket-tts generate --language {language}` as the user of this server"
)
_SUFFIX = ".safetensors"
_VOICE_ID = re.compile(r"clone-[0-9a-f]{32}")
_REFERENCE = re.compile(r"hf://([^/@]+)/([^/@]+)/([^@]+)@(.+)")
"""`hf://<owner>/<repository>/<file>@<revision>`, as the package's own configuration names its files."""


class PocketEngine(ChildEngine):
    """Cloned voices, a file each in `folder`; `cache` is Hugging Face's (default: the user's own)."""

    name = "pocket"

    def __init__(self, folder: Path, language: str, cache: Path | None, limits: ChildLimits) -> None:
        self._folder = folder
        self._language = language
        self._cache = cache or Path.home() / ".cache" / "huggingface"
        self._weights = _weights(language, self._cache)
        environment = {
            "HF_HOME": str(self._cache),
            "OMP_NUM_THREADS": str(limits.threads),
            **limits.environment,
        }
        super().__init__(
            "opentalking.inference.engines.pocket",
            Needs((_PACKAGE,), (), _PACKAGE_REMEDY),
            folder,
            {"language": language},
            # One call at a time: the model cannot do two.
            ChildLimits(
                threads=limits.threads,
                max_parallel=1,
                niceness=limits.niceness,
                start_timeout_seconds=120.0,
                synthesis_timeout_seconds=60.0,
                queue_timeout_seconds=60.0,
                environment=environment,
            ),
        )

    def ready(self) -> str:
        """ "" when it can speak, else `package_missing` or `weights_missing` and the remedy; instant."""
        if reason := super().ready():
            return reason
        if not self._weights:
            return f"language_missing: pocket-tts has no language {self._language!r}"
        if not all(path.is_file() for path in self._weights):
            return f"weights_missing: {_WEIGHTS_REMEDY.format(language=self._language)}"
        return ""

    def voices(self) -> Sequence[Voice]:
        """The voices on disk; their names for people are in the catalogue."""
        found = sorted(path.name.removesuffix(_SUFFIX) for path in self._folder.glob(f"clone-*{_SUFFIX}"))
        return [
            Voice(
                name,
                name,
                PROVIDER,
                source="clone",
                language="en" if self._language.startswith("english") else "",
                engine=self.name,
            )
            for name in found
            if _VOICE_ID.fullmatch(name)
        ]

    def can_read(self, voice: Voice, text: str) -> bool:
        """Whether the text has no Chinese, Japanese or Korean characters."""
        return not has_wide(text)

    async def speak(self, text: str, voice: str, language: Language) -> AsyncGenerator[Speech, None]:
        """Speak `text`, a clause at a time."""
        async for piece in self.request(text, {"path": str(self._path(voice))}):
            yield piece

    async def warm(self, voices: Sequence[str]) -> None:
        """Load the engine; its voices are read when they first speak."""
        await self.start()

    def check_cloning(self) -> None:
        """Raise `InvalidInput` with what to install."""
        if reason := self.ready():
            kind, _, remedy = reason.partition(": ")
            raise InvalidInput(f"voices cannot be cloned on this machine ({kind}): {remedy}")

    async def create_voice(self, order: VoiceOrder) -> str:
        """Make a voice of a sample; its file appears when it is whole."""
        voice_id = f"clone-{uuid.uuid4().hex}"
        path = self._path(voice_id)
        partial = path.with_suffix(".part")
        with provider_errors("tts", PROVIDER):
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            try:
                await self.start()
                await self._process.call("clone", {"path": str(partial)}, order.wav)
                partial.replace(path)
            finally:
                partial.unlink(missing_ok=True)
        return voice_id

    async def delete_voice(self, voice_id: str) -> None:
        """Delete its file."""
        with provider_errors("tts", PROVIDER):
            self._path(voice_id).unlink(missing_ok=True)

    def _path(self, voice_id: str) -> Path:
        if _VOICE_ID.fullmatch(voice_id) is None:
            raise ProviderError("this is no voice of Pocket TTS", stage="tts", provider=PROVIDER)
        return self._folder / f"{voice_id}{_SUFFIX}"


def _weights(language: str, cache: Path) -> list[Path]:
    """Where Hugging Face's cache keeps the files that the package's configuration names; [] if unknown."""
    found = importlib.util.find_spec(_PACKAGE)
    if found is None or not found.submodule_search_locations or not re.fullmatch(r"[\w.-]+", language):
        return []
    configuration = Path(found.submodule_search_locations[0]) / "config" / f"{language}.yaml"
    try:
        parsed: Any = yaml.safe_load(configuration.read_text(encoding="utf-8"))
        references = [parsed["weights_path"], parsed["flow_lm"]["lookup_table"]["tokenizer_path"]]
    except (OSError, yaml.YAMLError, KeyError, TypeError):
        return []
    return [_cached(str(reference), cache) for reference in references]


def _cached(reference: str, cache: Path) -> Path:
    """A file in the cache's layout: `hub/models--<owner>--<repository>/snapshots/<revision>/<file>`."""
    found = _REFERENCE.fullmatch(reference)
    if found is None:
        return Path(reference)
    owner, repository, name, revision = found.groups()
    return cache / "hub" / f"models--{owner}--{repository}" / "snapshots" / revision / name
