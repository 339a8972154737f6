"""Which voice speaks which text."""

from dataclasses import replace
from pathlib import Path

import pytest

from opentalking.core.conversation import Gender, Voice
from opentalking.core.errors import InvalidInput, ProviderError
from opentalking.inference import models
from opentalking.providers.tts.casting import cast
from opentalking.providers.tts.local import LocalSpeechConfig, LocalTextToSpeech
from opentalking.text.language import is_chinese_or_latin, language_of, mostly_known


def voice(name: str, language: str, gender: Gender, engine: str = "kokoro") -> Voice:
    return Voice(name, name, "local", language=language, gender=gender, engine=engine)


JOE = voice("joe", "en-US", "male", "piper")
HEART = voice("heart", "en-US", "female")
MICHAEL = voice("michael", "en-US", "male")
XIAOXIAO = voice("xiaoxiao", "zh-CN", "female")
YUNXI = voice("yunxi", "zh-CN", "male")
ALL = (JOE, HEART, MICHAEL, XIAOXIAO, YUNXI)


def can_read(speaker: Voice, text: str) -> bool:
    return speaker.engine == "kokoro" or text.isascii()


@pytest.mark.parametrize(
    ("wanted", "text", "speaker"),
    [
        (JOE, "Hello.", JOE),
        (JOE, "你好。", YUNXI),
        (JOE, "The word 你好 means hello.", MICHAEL),
        (HEART, "Hello.", HEART),
        (HEART, "你好。", XIAOXIAO),
        (HEART, "The word 你好 means hello.", HEART),
        (MICHAEL, "我用 Python 写代码。", YUNXI),
        (XIAOXIAO, "你好。", XIAOXIAO),
        (XIAOXIAO, "Hello there.", XIAOXIAO),
        (YUNXI, "我用 Python 写代码。", YUNXI),
    ],
)
def test_a_person_stays_who_they_are(wanted: Voice, text: str, speaker: Voice) -> None:
    assert cast(text, language_of(text), wanted, ALL, can_read) is speaker


def test_a_cloned_voice_says_what_it_can_read_and_never_stands_in() -> None:
    clone = Voice("clone", "Amy", "local", source="clone", language="fr", engine="pocket")
    voices = (clone, *ALL)
    assert cast("Bonjour.", "en", clone, voices, can_read) is clone
    assert cast("你好。", "zh", clone, voices, can_read) in (XIAOXIAO, YUNXI)
    assert cast("你好。", "zh", JOE, (JOE, replace(clone, language="zh", engine="kokoro")), can_read) is None


def test_without_the_language_somebody_who_can_read_it_speaks() -> None:
    assert cast("你好。", "zh", JOE, (JOE, HEART, MICHAEL), can_read) is MICHAEL
    assert cast("你好。", "zh", JOE, (JOE,), can_read) is None


def store(folder: Path, models_dir: Path, *names: str) -> Path:
    """A model store with these folders of the real one."""
    for name in names:
        (folder / name).symlink_to(models_dir / name)
    return folder


async def test_what_is_installed_decides(tmp_path: Path, models_dir: Path) -> None:
    both = LocalTextToSpeech(LocalSpeechConfig(models_dir))
    assert both.ready() == ""
    ids = [known.voice_id for known in both.voices()]
    assert ids == ["en_US-joe-medium", "af_heart", "am_michael", "zf_xiaoxiao", "zm_yunxi"]
    facts = {
        known.voice_id: (known.language, known.gender, known.engine, known.licence) for known in both.voices()
    }
    assert facts["zf_xiaoxiao"] == ("zh-CN", "female", "kokoro", "Apache-2.0")
    assert facts["en_US-joe-medium"][:3] == ("en-US", "male", "piper")
    assert "GPL" in facts["en_US-joe-medium"][3]

    permissive = LocalTextToSpeech(LocalSpeechConfig(store(tmp_path, models_dir, "kokoro")))
    assert permissive.ready() == ""
    assert [known.voice_id for known in permissive.voices()] == ids[1:]

    chosen = LocalTextToSpeech(LocalSpeechConfig(models_dir, voice="zm_yunxi"))
    assert chosen.voices()[0].voice_id == "zm_yunxi"
    for speaker in (both, permissive, chosen):
        await speaker.aclose()


async def test_chinese_without_kokoro_says_what_to_do(tmp_path: Path, models_dir: Path) -> None:
    speaker = LocalTextToSpeech(LocalSpeechConfig(store(tmp_path, models_dir, "piper")))
    assert speaker.ready() == ""
    with pytest.raises(ProviderError, match=r"Chinese needs the engine Kokoro.*models pull"):
        async for _ in speaker.speak("你好，世界。"):
            pass
    with pytest.raises(InvalidInput, match="unknown voice 'zf_xiaoxiao'"):
        async for _ in speaker.speak("你好", voice="zf_xiaoxiao"):
            pass
    await speaker.aclose()


def test_kokoro_and_whisper_belong_to_both_offline_sets() -> None:
    for name in ("embedded", "permissive"):
        assert {"kokoro", "english-gold", "english-silver", "whisper-base-model"} <= {
            file.id for file in models.CATALOGUE.members(name)
        }
    assert "piper-joe" not in models.CATALOGUE.sets["permissive"]


@pytest.mark.parametrize("text", ["ＡＰＰ下载", "Nguyễn ate phở.", "The value of π.", "α粒子", "ﬁne"])
def test_accents_wide_letters_and_lone_greek_ones_change_nobody_s_voice(text: str) -> None:
    assert is_chinese_or_latin(text)


def test_a_few_letters_of_another_script_are_left_out() -> None:
    assert mostly_known("他叫Иван，是我最好的朋友。") == "他叫，是我最好的朋友。"
    assert mostly_known("日本語です") == "日本語"
    assert mostly_known("Καλημέρα") == mostly_known("안녕하세요 hi") == ""


async def test_a_language_nobody_speaks_is_said_so_also_with_ideographs(models_dir: Path) -> None:
    speaker = LocalTextToSpeech(LocalSpeechConfig(models_dir))
    with pytest.raises(ProviderError, match="English and Chinese"):
        async for _ in speaker.speak("漢字とかなです"):
            pass
    await speaker.aclose()
