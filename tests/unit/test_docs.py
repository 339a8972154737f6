"""The code in the guides works as it stands there."""

import re
from pathlib import Path
from types import ModuleType

import pytest

from opentalking.core.errors import InvalidInput
from opentalking.core.providers import TextToSpeech
from opentalking.providers.registry import ProviderContext

GUIDE = Path(__file__).parents[2] / "docs" / "add-a-provider.md"


@pytest.fixture
def example() -> ModuleType:
    """The guide's voice engine as a module."""
    found = re.search(r"```python\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    assert found, "the guide shows no Python"
    module = ModuleType("beeps")
    exec(compile(found[1], str(GUIDE), "exec"), vars(module))  # noqa: S102 - our own guide
    return module


async def test_guide_voice_speaks_every_word_in_order(example: ModuleType, tmp_path: Path) -> None:
    context = ProviderContext(models_dir=tmp_path, cache_dir=tmp_path, options={"pitch": "300"})
    voice = example.make(context)
    assert isinstance(voice, TextToSpeech)
    assert voice.ready() == ""
    pieces = [piece async for piece in voice.speak("one two two")]
    assert [(word.text, word.text_start) for piece in pieces for word in piece.words] == [
        ("one", 0),
        ("two", 4),
        ("two", 8),
    ]
    assert [piece.ends_sentence for piece in pieces] == [False, False, True]
    assert all(piece.pcm.dtype == "int16" and piece.pcm.max() > 0 for piece in pieces)


async def test_guide_voice_refuses_what_it_cannot_do(example: ModuleType, tmp_path: Path) -> None:
    voice = example.make(ProviderContext(tmp_path, tmp_path, {"pitch": "-1"}))
    assert "OPENTALKING_TTS_BEEPS_PITCH" in voice.ready()
    with pytest.raises(InvalidInput, match="no voice"):
        await anext(voice.speak("hi", voice="bass"))


def test_links_between_documents_lead_somewhere() -> None:
    root = GUIDE.parents[1]
    pages = [*root.glob("*.md"), *root.glob("docs/*.md"), *root.glob("examples/*.md")]
    assert len(pages) >= 6
    missing = [
        f"{page.name}: {target}"
        for page in pages
        for target in re.findall(r"\]\((?!https?://|#)([^)#]+)", page.read_text(encoding="utf-8"))
        if not (page.parent / target).exists() and "images/" not in target
    ]
    assert missing == []


def test_readmes_name_only_targets_that_exist() -> None:
    root = GUIDE.parents[1]
    targets = set(re.findall(r"^([a-z]+):", (root / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = {
        target
        for page in [*root.glob("*.md"), *root.glob("docs/*.md")]
        for target in re.findall(r"\bmake ([a-z]+)\b", page.read_text(encoding="utf-8"))
        if f"`make {target}" in page.read_text(encoding="utf-8")
    }
    assert named
    assert named <= targets
