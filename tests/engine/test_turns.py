"""Turns: their events, their order, their failures and their interruption, on virtual time."""

import asyncio
import itertools
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass, field, replace

import numpy as np
import pytest

from opentalking.core.avatars import AvatarBundle
from opentalking.core.commands import StartSession, VoiceChoice
from opentalking.core.errors import Conflict
from opentalking.core.media import MEDIA_RATE, Outlook, Samples, Segment, Speech
from opentalking.providers.fake import FlatFace, FlatRenderer, ScriptedModel, ToneVoice
from tests.engine.harness import Parts, engine, virtual

CHAT_ORDER = [
    "speech.started",
    "status:thinking",
    "llm",
    "tts:start",
    "tts:first_audio",
    "status:speaking",
    "speech.media_started",
    "subtitle.chunk",
    "assistant.message",
    "speech.ended",
    "status:idle",
]


def in_order(wanted: list[str], got: list[str]) -> bool:
    position = iter(got)
    return all(name in position for name in wanted)


@virtual
async def test_chat_tells_everything_in_the_contract_order() -> None:
    async with engine() as e:
        session, status, log = await e.create()
        assert status == "created"
        turn = await e.chat(session, "hello there")
        ended = await log.until("speech.ended", turn)
        await log.until("session.state_changed", count=5)
        assert in_order(CHAT_ORDER, log.kinds(turn))
        assert ended.reason == "completed"
        assert ended.text == "You said: hello there."
        assert [e.text for e in log.of("assistant.message")] == ["You said: hello there."]
        assert "".join(e.delta for e in log.of("llm")) == "You said: hello there."
        states = [e.state for e in log.of("session.state_changed")]
        assert states == ["initializing", "worker_ready", "ready", "speaking", "ready"]
        await e.delete(session)


@virtual
async def test_speak_has_no_thinking_and_ends_when_its_sound_ends() -> None:
    async with engine() as e:
        session, _, log = await e.create()
        turn = await e.speak(session, "one two three four five six seven eight.")
        await log.until("status", turn, count=2)
        kinds = log.kinds(turn)
        assert "llm" not in kinds
        assert "status:thinking" not in kinds
        assert "assistant.message" not in kinds
        spoken_seconds = 8 * 0.3
        took = log.when("speech.ended", turn) - log.when("speech.media_started", turn)
        assert took == pytest.approx(spoken_seconds, abs=0.08)
        frames = log.of("frame", turn)
        # each of the two pieces may be padded to a whole frame
        assert len(frames) in (60, 61, 62)
        assert [f.frame_idx for f in frames] == list(range(len(frames)))
        assert [f.pts_ms for f in frames] == [40 * n for n in range(len(frames))]
        await e.delete(session)


@virtual
async def test_captions_concatenate_to_the_text_and_time_its_words() -> None:
    text = "First sentence here.  And a second, longer one follows!\n最后一句。"
    async with engine() as e:
        session, _, log = await e.create()
        turn = await e.speak(session, text)
        ended = await log.until("speech.ended", turn)
        chunks = log.of("subtitle.chunk", turn)
        assert "".join(chunk.text for chunk in chunks) == text == ended.text
        assert [chunk.is_final for chunk in chunks] == [False] * (len(chunks) - 1) + [True]
        began = log.when("speech.media_started", turn)
        for at, event in log.events:
            if event.type == "subtitle.chunk":
                assert at - began == pytest.approx(event.start_ms / 1000, abs=0.05)
                words = event.words or []
                assert all(a.end_ms <= b.start_ms for a, b in itertools.pairwise(words))
                assert all(event.start_ms <= w.start_ms < w.end_ms <= event.end_ms for w in words)
        await e.delete(session)


@virtual
async def test_text_without_words_completes_without_sound() -> None:
    async with engine() as e:
        session, _, log = await e.create()
        turn = await e.speak(session, "… 🙂 !!")
        ended = await log.until("speech.ended", turn)
        assert ended.reason == "completed"
        assert not log.of("error")
        assert not log.of("speech.media_started")
        await e.delete(session)


@pytest.mark.parametrize("after", ["speech.started", "llm", "speech.media_started", "subtitle.chunk"])
def test_interrupt_silences_at_once_and_remembers_what_was_heard(after: str) -> None:
    @virtual
    async def scenario() -> None:
        model = ScriptedModel(lambda _: "one two three four. five six seven eight.", delay_seconds=0.05)
        async with engine(Parts(chat_model=model)) as e:
            session, _, log = await e.create()
            turn = await e.chat(session, "count")
            await log.until(after, turn)
            asked_at = asyncio.get_running_loop().time()
            await e.interrupt(session, turn)
            await log.until("session.state_changed", count=5)
            assert log.kinds(turn)[-3:] == ["speech.ended", "status:interrupted", "status:idle"]
            ended = log.of("speech.ended", turn)
            assert [(x.reason, x.text) for x in ended] == [("interrupted", None)]
            assert log.when("speech.ended", turn) - asked_at <= 0.1
            frames = len(log.of("frame"))
            await asyncio.sleep(5)
            assert len(log.of("frame")) == frames, "frames of a dropped turn went out"
            await e.chat(session, "again")
            await log.until("speech.ended", count=2)
            heard = [m for m in model.asked[-1] if m.role == "assistant"]
            if after in ("speech.started", "llm"):
                assert not heard
            else:
                assert all(m.interrupted and "eight" not in m.content for m in heard)
            await e.delete(session)

    scenario()


@virtual
async def test_half_heard_answer_is_cut_to_whole_words() -> None:
    model = ScriptedModel(lambda _: "one two three four five six seven eight.")
    async with engine(Parts(chat_model=model)) as e:
        session, _, log = await e.create()
        turn = await e.chat(session, "count")
        await log.until("speech.media_started", turn)
        await asyncio.sleep(0.3 * 3 + 0.1)
        await e.interrupt(session)
        turn = await e.chat(session, "again")
        await log.until("speech.ended", turn)
        assert [m.content for m in model.asked[1] if m.role == "assistant"] == ["one two three"]
        await e.delete(session)


@virtual
async def test_a_new_turn_takes_over_from_the_old_one() -> None:
    async with engine() as e:
        session, _, log = await e.create()
        first = await e.speak(session, "a very long story that goes on and on and on.")
        await log.until("speech.media_started", first)
        second = await e.speak(session, "stop.")
        await log.until("speech.ended", second)
        ends = [(x.turn_id, x.reason) for x in log.of("speech.ended")]
        assert ends == [(first, "interrupted"), (second, "completed")]
        order = [(x.type, x.turn_id) for _, x in log.events if x.type.startswith("speech.")]
        assert order.index(("speech.ended", first)) < order.index(("speech.started", second))
        takeover = order.index(("speech.started", second))
        assert takeover > 0
        moments = [at for at, x in log.events if x.type == "frame" and x.turn_id == first]
        assert max(moments) <= log.when("speech.started", second)
        await e.delete(session)


@virtual
async def test_interrupt_of_another_turn_and_of_nothing_changes_nothing() -> None:
    async with engine() as e:
        session, _, log = await e.create()
        await e.interrupt(session)
        turn = await e.speak(session, "hello there you.")
        await e.interrupt(session, "some-other-turn")
        ended = await log.until("speech.ended", turn)
        assert ended.reason == "completed"
        assert "status:interrupted" not in log.kinds()
        await e.delete(session)


@virtual
async def test_llm_failure_is_an_event_and_the_session_lives_on() -> None:
    async with engine(Parts(chat_model=ScriptedModel(fail_after_words=2))) as e:
        session, _, log = await e.create()
        turn = await e.chat(session, "hello")
        await log.until("session.state_changed", count=5)
        assert log.kinds(turn)[-3:] == ["error", "speech.ended", "status:idle"]
        assert [x.code for x in log.of("error")] == ["llm_failed"]
        assert [x.reason for x in log.of("speech.ended")] == ["failed"]
        turn = await e.speak(session, "still here.")
        assert (await log.until("speech.ended", turn)).reason == "completed"
        await e.delete(session)


@virtual
async def test_one_failed_sentence_is_left_out_two_in_a_row_end_the_turn() -> None:
    async with engine(Parts(speakers={"local": ToneVoice("local", fail_on="bad")})) as e:
        session, _, log = await e.create()
        turn = await e.speak(session, "A good start. A bad part. A good end.")
        ended = await log.until("speech.ended", turn)
        assert ended.reason == "completed"
        assert [x.code for x in log.of("error", turn)] == ["tts_failed"]
        assert ended.text == "A good start. A good end."
        turn = await e.speak(session, "Good. One bad thing. Another bad thing. Never said.")
        ended = await log.until("speech.ended", turn)
        assert ended.reason == "failed"
        assert [x.code for x in log.of("error", turn)] == ["tts_failed", "tts_failed"]
        turn = await e.speak(session, "Only bad.")
        assert (await log.until("speech.ended", turn)).reason == "failed"
        await e.delete(session)


@virtual
async def test_a_broken_voice_is_replaced_by_the_fallback_before_its_first_sound() -> None:
    local = ToneVoice("local")
    speakers = {"local": local, "cloud": ToneVoice("cloud", fail_on=" ")}
    async with engine(Parts(speakers=speakers)) as e:
        session, _, log = await e.create(tts_provider="cloud")
        turn = await e.speak(session, "Hello dear world.")
        assert (await log.until("speech.ended", turn)).reason == "completed"
        assert not log.of("error")
        assert local.spoken == ["Hello dear world."]
        await e.delete(session)


@virtual
async def test_a_stalled_voice_fails_by_its_time_limit() -> None:
    async with engine(Parts(speakers={"local": ToneVoice("local", delay_seconds=3600)})) as e:
        session, _, log = await e.create()
        turn = await e.speak(session, "Hello.")
        ended = await log.until("speech.ended", turn)
        assert ended.reason == "failed"
        assert [x.code for x in log.of("error")] == ["tts_failed"]
        await e.delete(session)


@virtual
async def test_slow_model_leaves_a_pause_and_the_captions_still_end_with_a_final_one() -> None:
    model = ScriptedModel(lambda _: "One is said now. Two comes later.", delay_seconds=1.0)
    async with engine(Parts(chat_model=model)) as e:
        session, _, log = await e.create()
        turn = await e.chat(session, "go")
        await log.until("speech.ended", turn)
        chunks = log.of("subtitle.chunk", turn)
        assert "".join(c.text for c in chunks) == "One is said now. Two comes later."
        assert [c.is_final for c in chunks][-1] is True
        assert sum(c.is_final for c in chunks) == 1
        await e.delete(session)


@virtual
async def test_voice_overrides_reach_the_voice_engine_of_that_turn_only() -> None:
    other, local = ToneVoice("other"), ToneVoice("local")
    async with engine(Parts(speakers={"local": local, "other": other})) as e:
        session, _, log = await e.create()
        turn = await e.speak(session, "Over there.", voice=VoiceChoice(tts_provider="other"))
        await log.until("speech.ended", turn)
        turn = await e.speak(session, "Over here.")
        await log.until("speech.ended", turn)
        assert (other.spoken, local.spoken) == (["Over there."], ["Over here."])
        await e.delete(session)


@virtual
async def test_start_works_once() -> None:
    async with engine() as e:
        session, _, log = await e.create()
        await e.call(StartSession(session_id=session))
        with pytest.raises(Conflict):
            await e.call(StartSession(session_id=session))
        assert [x.state for x in log.of("session.state_changed")][-1] == "ready"
        await e.delete(session)


@virtual
async def test_start_after_a_first_turn_works_once_too() -> None:
    async with engine() as e:
        session, _, log = await e.create()
        turn = await e.speak(session, "first.")
        await e.call(StartSession(session_id=session))
        await log.until("speech.ended", turn)
        with pytest.raises(Conflict):
            await e.call(StartSession(session_id=session))
        await e.delete(session)


class StretchVoice(ToneVoice):
    """Makes its sentence in stretches, and knows all its words with the first one."""

    async def speak(
        self, text: str, voice: str | None = None, model: str | None = None
    ) -> AsyncGenerator[Speech]:
        async for whole in super().speak(text, voice, model):
            half = len(whole.pcm) // 2
            words = [word for word in whole.words if word.start_seconds < half / whole.sample_rate]
            cut = words[-1].text_end
            outlook = Outlook(whole.seconds, whole.words)
            yield replace(
                whole,
                pcm=whole.pcm[:half],
                text=text[:cut],
                words=tuple(words),
                ends_sentence=False,
                outlook=outlook,
            )
            await asyncio.sleep(0.2)
            yield replace(whole, pcm=whole.pcm[half:], text=text[cut:], words=())


@virtual
async def test_a_caption_knows_all_its_words_before_all_its_sound_is_made() -> None:
    async with engine(Parts(speakers={"local": StretchVoice("local")})) as e:
        session, _, log = await e.create()
        turn = await e.speak(session, "one two three four.")
        await log.until("speech.ended", turn)
        [chunk] = log.of("subtitle.chunk", turn)
        assert [word.text for word in chunk.words] == ["one", "two", "three", "four."]
        assert (chunk.start_ms, chunk.end_ms) == (0, 1200)
        await e.delete(session)


class LateEndVoice(ToneVoice):
    """Says in a piece of its own, without sound, that a sentence is over."""

    async def speak(
        self, text: str, voice: str | None = None, model: str | None = None
    ) -> AsyncGenerator[Speech]:
        async for whole in super().speak(text, voice, model):
            yield replace(whole, ends_sentence=False)
            yield Speech(np.zeros(0, np.int16), whole.sample_rate)


@dataclass
class ListeningRenderer(FlatRenderer):
    """Keeps the speech that its faces got."""

    heard: list[Speech] = field(default_factory=list)

    async def open(self, avatar: AvatarBundle) -> "ListeningFace":
        return ListeningFace(self.heard)


class ListeningFace(FlatFace):
    def __init__(self, heard: list[Speech]) -> None:
        super().__init__()
        self._heard = heard

    async def render(
        self, speech: AsyncIterator[Speech], turn_id: str, idle_position: int = 0
    ) -> AsyncGenerator[Segment, None]:
        async def noted() -> AsyncIterator[Speech]:
            async for piece in speech:
                self._heard.append(piece)
                yield piece

        async for segment in super().render(noted(), turn_id, idle_position):
            yield segment


@virtual
async def test_a_sentence_that_ends_without_sound_is_not_kept_for_the_next_one() -> None:
    renderer = ListeningRenderer()
    parts = Parts(speakers={"local": LateEndVoice("local")}, renderers={"fake": renderer})
    async with engine(parts) as e:
        session, _, log = await e.create()
        await e.speak(session, "One two three.")
        await log.until("speech.ended")
        sound: Samples = np.concatenate([piece.pcm for piece in renderer.heard])
        assert len(sound) == round(0.9 * MEDIA_RATE), "nothing stays in the resampler"
        assert renderer.heard[-1].ends_sentence, "the face need not wait for more"
        await e.delete(session)
