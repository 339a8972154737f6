"""Emotions of a turn: from a tag or from the command, through the stages to the face, on virtual time."""

import dataclasses
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass, field

from opentalking.core.avatars import AvatarBundle
from opentalking.core.commands import StartChat
from opentalking.core.conversation import Emotion
from opentalking.core.ids import new_id
from opentalking.core.media import Segment, Speech
from opentalking.engine.config import EngineConfig
from opentalking.providers.fake import FlatFace, FlatRenderer, ScriptedModel, ToneVoice
from tests.engine.harness import Parts, engine, virtual


@dataclass
class WatchedRenderer(FlatRenderer):
    """Notes with which emotions its faces were asked to speak."""

    seen: list[Emotion] = field(default_factory=list)

    async def open(self, avatar: AvatarBundle) -> "WatchedFace":
        return WatchedFace(self.seen)


class WatchedFace(FlatFace):
    def __init__(self, seen: list[Emotion]) -> None:
        self._seen = seen

    async def render(
        self, speech: AsyncIterator[Speech], turn_id: str, idle_position: int = 0
    ) -> AsyncGenerator[Segment, None]:
        async def noted() -> AsyncIterator[Speech]:
            async for piece in speech:
                self._seen.append(piece.emotion)
                yield piece

        async for segment in super().render(noted(), turn_id, idle_position):
            yield segment


ANSWER = "I know. [happy] That is good news! [1] But [sad] it ends today."
CLEAN = "I know. That is good news! [1] But it ends today."


@virtual
async def test_a_tag_of_the_model_reaches_the_face_and_nothing_else() -> None:
    model, voice, renderer = ScriptedModel(lambda _: ANSWER), ToneVoice("local"), WatchedRenderer()
    parts = Parts(chat_model=model, speakers={"local": voice}, renderers={"fake": renderer})
    async with engine(parts) as e:
        session, _, log = await e.create()
        turn = await e.chat(session, "[sad] how is it?")
        ended = await log.until("speech.ended", turn)
        assert ended.text == CLEAN
        assert "".join(one.text for one in log.of("subtitle.chunk")) == CLEAN
        assert "".join(one.delta for one in log.of("llm")) == CLEAN
        assert all(one.delta for one in log.of("llm"))
        assert [one.text for one in log.of("assistant.message")] == [CLEAN]
        assert not any("happy" in text or "sad" in text for text in voice.spoken)
        assert renderer.seen == ["neutral", "happy", "sad"]
        await log.until("session.state_changed", count=5)
        await e.chat(session, "and then?")
        await log.until("speech.ended", count=2)
        told = {message.role: message.content for message in model.asked[0]}
        assert told["user"] == "[sad] how is it?", "the user's words are the user's"
        assert [m.content for m in model.asked[1] if m.role == "assistant"] == [CLEAN]
        await e.delete(session)


@virtual
async def test_a_tag_in_a_text_to_say_works_the_same() -> None:
    voice, renderer = ToneVoice("local"), WatchedRenderer()
    async with engine(Parts(speakers={"local": voice}, renderers={"fake": renderer})) as e:
        session, _, log = await e.create()
        turn = await e.speak(session, "[surprised] Is it you? [Neutral] (nods) Come in.")
        ended = await log.until("speech.ended", turn)
        assert log.of("speech.started")[0].text == ended.text == "Is it you? Come in."
        assert voice.spoken == ["Is it you?", "Come in."]
        assert renderer.seen == ["surprised", "neutral"]
        await e.delete(session)


@virtual
async def test_stage_directions_of_the_model_are_neither_spoken_nor_shown_nor_remembered() -> None:
    answer = "(smiling warmly) Ah, it is you! *nods* Come in (the door is open). (sighs) I am late."
    clean = "Ah, it is you! Come in (the door is open). I am late."
    model, voice, renderer = ScriptedModel(lambda _: answer), ToneVoice("local"), WatchedRenderer()
    parts = Parts(chat_model=model, speakers={"local": voice}, renderers={"fake": renderer})
    async with engine(parts) as e:
        session, _, log = await e.create()
        turn = await e.chat(session, "(smiles) hello")
        ended = await log.until("speech.ended", turn)
        assert ended.text == clean
        for shown in ("subtitle.chunk", "assistant.message"):
            assert "".join(one.text for one in log.of(shown)) == clean
        assert "".join(one.delta for one in log.of("llm")) == clean
        assert voice.spoken == ["Ah, it is you!", "Come in (the door is open).", "I am late."]
        assert renderer.seen == ["happy", "happy", "sad"]
        await log.until("session.state_changed", count=5)
        await e.chat(session, "and then?")
        await log.until("speech.ended", count=2)
        told = [(message.role, message.content) for message in model.asked[1]]
        assert told[1:3] == [("user", "(smiles) hello"), ("assistant", clean)]
        await e.delete(session)


@virtual
async def test_nothing_but_a_direction_is_a_silent_turn() -> None:
    voice = ToneVoice("local")
    async with engine(Parts(chat_model=ScriptedModel(lambda _: "*nods*"), speakers={"local": voice})) as e:
        session, _, log = await e.create()
        await e.chat(session, "is it so?")
        assert (await log.until("speech.ended")).reason == "completed"
        await log.until("session.state_changed", count=5)
        await e.speak(session, "(laughs)")
        ended = await log.until("speech.ended", count=2)
        assert (ended.reason, ended.text) == ("completed", "")
        assert voice.spoken == []
        await e.delete(session)


@virtual
async def test_letters_that_only_look_like_a_tag_do_no_harm() -> None:
    text = "[serıous] Hello."
    model = ScriptedModel(lambda _: text)
    async with engine(Parts(chat_model=model)) as e:
        session, _, log = await e.create()
        await e.speak(session, text)
        assert (await log.until("speech.ended")).text == text
        await log.until("session.state_changed", count=5)
        await e.chat(session, "go")
        ended = await log.until("speech.ended", count=2)
        assert (ended.reason, ended.text) == ("completed", text)
        await e.delete(session)


@virtual
async def test_the_field_is_the_default_of_its_turn_only() -> None:
    renderer = WatchedRenderer()
    model = ScriptedModel(lambda _: "One is said. [neutral] Two is said.")
    async with engine(Parts(chat_model=model, renderers={"fake": renderer})) as e:
        session, _, log = await e.create()
        command = StartChat(session_id=session, turn_id=new_id(), prompt="go", emotion="serious")
        await e.call(command)
        await log.until("speech.ended")
        await log.until("session.state_changed", count=5)
        await e.speak(session, "More.", emotion="happy")
        await log.until("speech.ended", count=2)
        await log.until("session.state_changed", count=7)
        await e.speak(session, "And more.")
        await log.until("speech.ended", count=3)
        assert renderer.seen == ["serious", "neutral", "happy", "neutral"]
        await e.delete(session)


@virtual
async def test_the_model_is_told_about_tags_only_when_that_is_wanted() -> None:
    for wanted in (False, True):
        model = ScriptedModel()
        config = dataclasses.replace(EngineConfig(), emotion_tags=wanted)
        async with engine(Parts(chat_model=model, config=config)) as e:
            session, _, log = await e.create(llm_system_prompt="You are a guide.")
            await e.chat(session, "hello")
            await log.until("speech.ended")
            told = model.asked[0][0].content
            assert told.startswith("You are a guide.")
            assert ("[happy]" in told) == wanted
            await e.delete(session)
