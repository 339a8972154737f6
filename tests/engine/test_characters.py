"""The avatar's own voices and persona."""

from dataclasses import replace

import pytest

from opentalking.core.avatars import AvatarBundle
from opentalking.core.commands import VoiceChoice
from opentalking.core.errors import NotFound, ProviderError
from opentalking.engine.config import EngineConfig
from opentalking.providers.fake import FlatRenderer, ScriptedModel, ToneVoice
from tests.engine.harness import OneAvatar, Parts, engine, virtual

ANNA = {"voices": {"en": "heart", "zh": "mei"}, "persona_prompt": "You are Anna."}


@virtual
async def test_each_sentence_has_the_avatars_voice_of_its_language() -> None:
    voice = ToneVoice("local", voices=("joe", "heart", "mei"))
    async with engine(Parts(speakers={"local": voice}, avatar=OneAvatar(ANNA))) as running:
        session, _, log = await running.create()
        await log.until("session.state_changed", count=2)
        turn = await running.speak(session, "Good morning everyone. 大家早上好。")
        await log.until("speech.ended", turn)
        assert list(zip(voice.spoken, voice.voiced, strict=True)) == [
            ("Good morning everyone.", "heart"),
            ("大家早上好。", "mei"),
        ]
        turn = await running.speak(session, "Hello.", voice=VoiceChoice(voice="joe"))
        await log.until("speech.ended", turn)
        assert voice.voiced[-1] == "joe"
        await running.delete(session)


@virtual
async def test_a_sessions_voice_comes_before_the_avatars_and_missing_ones_are_passed_over() -> None:
    voice = ToneVoice("local", voices=("joe", "heart"))
    async with engine(Parts(speakers={"local": voice}, avatar=OneAvatar(ANNA))) as running:
        session, _, log = await running.create(tts_voice="joe")
        await log.until("session.state_changed", count=2)
        await log.until("speech.ended", await running.speak(session, "Hello."))
        other, _, other_log = await running.create()
        await other_log.until("session.state_changed", count=2)
        await other_log.until("speech.ended", await running.speak(other, "你好。"))
        assert voice.voiced == ["joe", None]
        await running.delete(session)
        await running.delete(other)


@virtual
async def test_who_steps_in_speaks_with_the_avatars_voice() -> None:
    speakers = {"cloud": ToneVoice("cloud", fail_on="Hello"), "local": ToneVoice("local", voices=("heart",))}
    config = EngineConfig(tts_provider="cloud")
    async with engine(Parts(speakers=speakers, avatar=OneAvatar(ANNA), config=config)) as running:
        session, _, log = await running.create()
        await log.until("session.state_changed", count=2)
        await log.until("speech.ended", await running.speak(session, "Hello."))
        assert speakers["cloud"].voiced == [None]
        assert speakers["local"].voiced == ["heart"]
        await running.delete(session)


class Customised(OneAvatar):
    """An avatar that somebody has given another prompt."""

    def __init__(self, prompt: str) -> None:
        super().__init__(ANNA)
        self._prompt = prompt

    async def bundle(self, avatar_id: str) -> AvatarBundle:
        return replace(await super().bundle(avatar_id), prompt=self._prompt)


@pytest.mark.parametrize(
    ("asked", "customised", "prompt"),
    [
        ("Be brief.", "You are Tom.", "Be brief."),
        (None, "You are Tom.", "You are Tom."),
        (None, "", "You are Anna."),
    ],
)
def test_a_customised_prompt_comes_after_the_sessions_and_before_the_avatars(
    asked: str | None, customised: str, prompt: str
) -> None:
    @virtual
    async def chat() -> None:
        model = ScriptedModel()
        config = EngineConfig(system_prompt="Be kind.")
        parts = Parts(chat_model=model, avatar=Customised(customised), config=config)
        async with engine(parts) as running:
            session, _, log = await running.create(llm_system_prompt=asked)
            await log.until("session.state_changed", count=2)
            await log.until("speech.ended", await running.chat(session, "Hi"))
            assert model.asked[0][0].content.startswith(prompt)
            await running.delete(session)

    chat()


class Vanishing(OneAvatar):
    """An avatar that is deleted while it loads."""

    def __init__(self) -> None:
        super().__init__()
        self._asked = 0

    async def bundle(self, avatar_id: str) -> AvatarBundle:
        self._asked += 1
        return await super().bundle(avatar_id if self._asked == 1 else "nobody")


@virtual
async def test_an_avatar_deleted_while_it_loads_is_not_found() -> None:
    trouble = ProviderError("portrait: no such file", stage="render", provider="portrait")
    parts = Parts(renderers={"fake": FlatRenderer(failure=trouble)}, avatar=Vanishing())
    async with engine(parts) as running:
        with pytest.raises(NotFound):
            await running.create()


@pytest.mark.parametrize(
    ("asked", "metadata", "setting", "prompt"),
    [
        ("Be brief.", ANNA, "Be kind.", "Be brief."),
        (None, ANNA, "Be kind.", "You are Anna."),
        (None, {}, "Be kind.", "Be kind."),
        (None, {"persona_prompt": 5}, "", "You are a friendly person"),
    ],
)
def test_who_the_model_is_told_to_be(
    asked: str | None, metadata: dict[str, object], setting: str, prompt: str
) -> None:
    @virtual
    async def chat() -> None:
        model = ScriptedModel()
        config = EngineConfig(system_prompt=setting)
        parts = Parts(chat_model=model, avatar=OneAvatar(metadata), config=config)
        async with engine(parts) as running:
            session, _, log = await running.create(llm_system_prompt=asked)
            await log.until("session.state_changed", count=2)
            await log.until("speech.ended", await running.chat(session, "Hi"))
            assert model.asked[0][0].role == "system"
            assert model.asked[0][0].content.startswith(prompt)
            await running.delete(session)

    chat()
