"""Voices made on this machine, with a stand-in for the package that the user installs.

The real package's weights cannot be handed out, so what is tested is all around them: finding them,
the child process, the files, and who may speak with whose voice. With random weights, the engine
was tried with the real package, too.
"""

import re
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path

import numpy as np
import pytest
from structlog.testing import capture_logs

from opentalking.audio.wav import wav_bytes
from opentalking.core.cloning import VoiceOrder
from opentalking.core.errors import InvalidInput, ProviderError
from opentalking.core.media import Speech
from opentalking.providers.tts.child_engine import ChildLimits
from opentalking.providers.tts.local import LocalSpeechConfig, LocalTextToSpeech

STAND_IN = str(Path(__file__).parents[1] / "support" / "pocket_stand_in")
LICENSED = "hub/models--kyutai--pocket-tts/snapshots/db04f0e6/languages/{}/model.safetensors"
OPEN = "hub/models--kyutai--pocket-tts-without-voice-cloning/snapshots/00eac05e/languages/{}/tokenizer.json"


def sample(seconds: float) -> bytes:
    return wav_bytes(np.full(round(24_000 * seconds), 900, np.int16), 24_000)


def order(seconds: float) -> VoiceOrder:
    return VoiceOrder("pocket-tts", "", sample(seconds))


def install(monkeypatch: pytest.MonkeyPatch, cache: Path, language: str = "english") -> None:
    """Put the stand-in where a package lies, and files where its weights lie."""
    monkeypatch.syspath_prepend(STAND_IN)
    for name in (LICENSED, OPEN):
        path = cache / name.format(language)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def speaker(tmp_path: Path, language: str = "english", models_dir: Path | None = None) -> LocalTextToSpeech:
    return LocalTextToSpeech(
        LocalSpeechConfig(
            models_dir or tmp_path / "models",
            clones_directory=tmp_path / "clones",
            pocket_language=language,
            pocket_cache=tmp_path / "cache",
            pocket_limits=ChildLimits(environment={"PYTHONPATH": STAND_IN}),
        )
    )


@pytest.fixture
async def installed(
    tmp_path: Path, models_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[LocalTextToSpeech]:
    install(monkeypatch, tmp_path / "cache")
    made = speaker(tmp_path, models_dir=models_dir)
    yield made
    await made.aclose()


async def say(local: LocalTextToSpeech, text: str, voice: str | None = None) -> list[Speech]:
    async with aclosing(local.speak(text, voice)) as pieces:
        return [piece async for piece in pieces]


def pitch_hz(pieces: list[Speech]) -> float:
    pcm = np.concatenate([piece.pcm for piece in pieces])
    return float(np.argmax(np.abs(np.fft.rfft(pcm)))) * pieces[0].sample_rate / len(pcm)


def refusal(local: LocalTextToSpeech) -> str:
    with pytest.raises(InvalidInput) as caught:
        local.check_cloning()
    return caught.value.message


async def test_without_package_weights_or_language_it_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "pip install 'pocket-tts" in refusal(speaker(tmp_path))
    monkeypatch.syspath_prepend(STAND_IN)
    told = refusal(speaker(tmp_path))
    assert "weights_missing" in told
    assert "huggingface.co/kyutai/pocket-tts" in told
    assert "--language english" in told
    install(monkeypatch, tmp_path / "cache")
    (tmp_path / "cache" / OPEN.format("english")).unlink()
    assert "weights_missing" in refusal(speaker(tmp_path)), "both files are needed"
    assert "no language 'klingon'" in refusal(speaker(tmp_path, "klingon"))
    assert "no language" in refusal(speaker(tmp_path, "../../config/english"))
    install(monkeypatch, tmp_path / "cache")
    speaker(tmp_path).check_cloning()


async def test_a_voice_is_made_and_speaks_also_after_a_restart(
    installed: LocalTextToSpeech, tmp_path: Path, models_dir: Path
) -> None:
    low, high = await installed.create_voice(order(2)), await installed.create_voice(order(5))
    assert re.fullmatch(r"clone-[0-9a-f]{32}", low)
    assert {path.name for path in (tmp_path / "clones").iterdir()} == {
        f"{low}.safetensors",
        f"{high}.safetensors",
    }
    assert (tmp_path / "clones").stat().st_mode & 0o077 == 0
    assert pitch_hz(await say(installed, "Hello there.", low)) == pytest.approx(400, abs=3)
    again = speaker(tmp_path, models_dir=models_dir)
    pieces = await say(again, "Hello there.", high)
    await again.aclose()
    assert pitch_hz(pieces) == pytest.approx(700, abs=3)
    assert "".join(piece.text for piece in pieces) == "Hello there."
    assert [piece.ends_sentence for piece in pieces] == [True]
    assert (pieces[0].sample_rate, len(pieces[0].pcm)) == (24_000, 24_000 * len("Hello there.") // 20)


async def test_what_is_said_is_not_logged(installed: LocalTextToSpeech) -> None:
    voice = await installed.create_voice(order(2))
    with capture_logs() as records:
        await say(installed, "A secret.", voice)
        await installed.aclose()
    assert "secret" not in str(records)


async def test_a_sample_counts_for_thirty_seconds(installed: LocalTextToSpeech) -> None:
    voice = await installed.create_voice(order(59))
    assert pitch_hz(await say(installed, "Hello there.", voice)) == pytest.approx(3200, abs=3)


async def test_nobody_speaks_with_a_person_s_voice_who_was_not_asked_to(
    installed: LocalTextToSpeech,
) -> None:
    voice = await installed.create_voice(order(2))
    assert [known.voice_id for known in installed.voices()][-1] == voice
    assert [known.source for known in installed.voices()].count("clone") == 1
    default = await say(installed, "Hello.")
    assert default[0].phonemes, "Joe, not the clone"


async def test_only_clones_are_no_voices_for_those_who_name_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(monkeypatch, tmp_path / "cache")
    local = speaker(tmp_path)
    voice = await local.create_voice(order(2))
    assert local.ready() != ""
    with pytest.raises(ProviderError, match="weights_missing"):
        await say(local, "Hello.")
    assert await say(local, "Hello.", voice)
    await local.aclose()


async def test_a_deleted_voice_is_gone_and_nothing_else_is(
    installed: LocalTextToSpeech, tmp_path: Path
) -> None:
    voice = await installed.create_voice(order(2))
    await say(installed, "Hello.", voice)
    await installed.delete_voice(voice)
    await installed.delete_voice(voice)
    assert list((tmp_path / "clones").iterdir()) == []
    with pytest.raises(InvalidInput, match="unknown voice"):
        await say(installed, "Hello.", voice)
    outside = tmp_path / "outside.safetensors"
    outside.touch()
    for name in ("../outside", "", "clone-", str(outside), "af_heart"):
        with pytest.raises(ProviderError):
            await installed.delete_voice(name)
    assert outside.exists()


async def test_what_fails_leaves_no_file_and_the_engine_lives_on(
    installed: LocalTextToSpeech, tmp_path: Path
) -> None:
    for seconds, says in ((0.5, "too short"), (13, "ended")):  # its process ends in the middle
        with pytest.raises(ProviderError, match=says):
            await installed.create_voice(order(seconds))
    assert list((tmp_path / "clones").iterdir()) == []
    voice = await installed.create_voice(order(2))
    with pytest.raises(ProviderError, match="the model broke"):
        await say(installed, "Please crash.", voice)
    (tmp_path / "clones" / f"{voice}.safetensors").write_text("not a state")
    assert await say(installed, "Hello.", voice), "its state is still known"
    other = await installed.create_voice(order(2))
    (tmp_path / "clones" / f"{other}.safetensors").write_text("not a state")
    with pytest.raises(ProviderError, match="cannot be read"):
        await say(installed, "Hello.", other)


@pytest.mark.parametrize(
    ("language", "says"), [("french", "cannot make voices"), ("dutch", "no such weights")]
)
async def test_weights_that_do_not_clone_or_load_are_said_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, language: str, says: str
) -> None:
    install(monkeypatch, tmp_path / "cache", language)
    local = speaker(tmp_path, language)
    with pytest.raises(ProviderError, match=says):
        await local.create_voice(order(2))
    assert list((tmp_path / "clones").iterdir()) == []
    await local.aclose()
