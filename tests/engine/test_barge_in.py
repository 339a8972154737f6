"""Speaking while the avatar has the floor: it falls silent for somebody, and goes on for a cough."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from opentalking.core.commands import StartPlay
from opentalking.core.conversation import Message
from opentalking.core.ids import new_id
from opentalking.providers.fake import FakeTurnDetector, ScriptedModel, ToneVoice
from tests.engine.harness import Engine, Log, Parts, engine, virtual
from tests.engine.talker import NoEcho, Observed, Talker, Whispers, listening

ANSWER = "one two three four five six seven eight nine ten eleven twelve"
SECONDS = 0.3 * 12
FULL = 8000
"""Peak of the tone that the avatar speaks."""


class Guards:
    """Makes the guard of the one session, and knows what it was told of."""

    def __call__(self) -> NoEcho:
        self._guard = NoEcho()
        return self._guard

    @property
    def levels(self) -> list[tuple[float, int]]:
        return self._guard.levels


class Stage:
    """A session with somebody at its microphone while the avatar has the floor."""

    def __init__(self, e: Engine, session: str, log: Log, talker: Talker) -> None:
        self.engine = e
        self.session = session
        self.log = log
        self.talker = talker

    async def chat(self) -> str:
        return await self.engine.chat(self.session, "count")

    async def speak(self) -> str:
        return await self.engine.speak(self.session, ANSWER)

    async def play(self) -> str:
        inlet = await self.engine.tools.commands.open_audio(self.session, 16_000)
        turn_id = new_id()
        command = StartPlay(session_id=self.session, turn_id=turn_id, stream_id=inlet.stream_id)
        await self.engine.call(command)
        await inlet.put(np.full(round(SECONDS * 16_000), FULL, np.int16))
        await inlet.finish()
        return turn_id


def on_stage(parts: Parts, play: Callable[[Stage], Awaitable[None]], **settings: str) -> None:
    """Run a scene in which the microphone has been open for a second."""

    @virtual
    async def scene() -> None:
        async with engine(parts) as e:
            session, _, log = await e.create(**settings)
            async with Talker(e, session) as talker:
                await asyncio.sleep(1)
                await play(Stage(e, session, log, talker))
            await e.delete(session)

    scene()


def now() -> float:
    return asyncio.get_running_loop().time()


def counting(delay_seconds: float = 0.0) -> ScriptedModel:
    def answer(messages: Sequence[Message]) -> str:
        return ANSWER if messages[-1].content == "count" else "Fine."

    return ScriptedModel(answer, delay_seconds=delay_seconds)


@dataclass(frozen=True)
class Moment:
    """When somebody speaks into a turn: so long after an event of it (None: after its beginning)."""

    begin: Callable[[Stage], Awaitable[str]]
    after: str | None = None
    seconds: float = 0.3
    thinks_seconds: float = 0.0
    voice_seconds: float = 0.0

    async def come(self, stage: Stage) -> str:
        turn = await self.begin(stage)
        if self.after is not None:
            await stage.log.until(self.after, turn)
        await asyncio.sleep(self.seconds)
        return turn

    def parts(self, **more: Any) -> Parts:
        model = counting(delay_seconds=self.thinks_seconds)
        voice = ToneVoice("local", delay_seconds=self.voice_seconds)
        return listening(chat_model=model, speakers={"local": voice}, **more)


MOMENTS = {
    "thinking": Moment(Stage.chat, thinks_seconds=1),
    "before the first sound": Moment(Stage.chat, voice_seconds=4),
    "answering": Moment(Stage.chat, "speech.media_started", 1),
    "saying": Moment(Stage.speak, "speech.media_started", 1),
    "playing": Moment(Stage.play, "speech.media_started", 1),
}


@pytest.mark.parametrize("moment", MOMENTS)
def test_speech_takes_the_floor_at_any_moment(moment: str) -> None:
    observed, guards = Observed(), Guards()

    async def play(stage: Stage) -> None:
        turn = await MOMENTS[moment].come(stage)
        began = now()
        stage.talker.begin(1.5)
        ended = await stage.log.until("speech.ended", turn)
        assert ended.reason == "interrupted"
        assert ended.text is None
        assert now() - began == pytest.approx(0.672, abs=0.06)
        await asyncio.sleep(0.001)
        after_that = [name for name in stage.log.kinds() if name.startswith(("speech.ended", "status"))]
        assert after_that[-4:] == ["speech.ended", "status:interrupted", "status:idle", "status:listening"]
        silent_from = now()
        await stage.log.until("speech.ended", count=2)
        started = stage.log.of("speech.started")
        assert [event.turn_id for event in started[:1]] == [turn]
        assert started[1].text == "what about spain"
        assert stage.log.when("speech.ended", turn) < stage.log.when("speech.started", started[1].turn_id)
        assert observed.outcomes == ["ducked", "interrupted"]
        answer_from = stage.log.when("speech.media_started", started[1].turn_id)
        assert not [at for at, _ in guards.levels if silent_from < at < answer_from - 0.001]
        assert [level for at, level in guards.levels if at >= answer_from][2] > FULL * 0.9, "as loud as ever"
        last = stage.log.of("speech.ended")[-1]
        assert (last.turn_id, last.reason) == (started[1].turn_id, "completed")

    recogniser = Whispers("what about spain")
    on_stage(MOMENTS[moment].parts(recogniser=recogniser, echo_guard=guards, observers=[observed]), play)


@pytest.mark.parametrize("text", ["mm-hm", "", "嗯", "Mehamu"])
@pytest.mark.parametrize("moment", MOMENTS)
def test_a_back_channel_leaves_the_turn_as_it_is(moment: str, text: str) -> None:
    observed = Observed()

    async def play(stage: Stage) -> None:
        turn = await MOMENTS[moment].come(stage)
        await stage.talker.say(0.55)
        ended = await stage.log.until("speech.ended", turn)
        await asyncio.sleep(2)
        assert ended.reason == "completed"
        assert moment == "playing" or ended.text == ANSWER
        assert [event.stage for event in stage.log.of("status")].count("listening") == 0
        assert not stage.log.of("transcript")
        assert len(stage.log.of("speech.started")) == 1
        assert observed.outcomes == ["ducked", "resumed"]

    recogniser = Whispers(text, partials=[text], delay_seconds=0.2)
    on_stage(MOMENTS[moment].parts(recogniser=recogniser, observers=[observed]), play)


def test_the_voice_is_ducked_while_it_is_unclear_and_comes_back_where_it_is() -> None:
    guards = Guards()

    async def play(stage: Stage) -> None:
        turn = await stage.speak()
        await stage.log.until("speech.media_started", turn)
        await asyncio.sleep(1)
        began = now()
        await stage.talker.say(0.5)
        await stage.log.until("speech.ended", turn)
        # without the fade-out of the tone itself
        levels = [(at - began, level) for at, level in guards.levels][:-2]
        ducked = [at for at, level in levels if 0 < level < FULL * 0.12]
        print(
            f"ducked from {min(ducked) * 1000:.0f} ms to {max(ducked) * 1000:.0f} ms after the speech begins"
        )
        assert min(ducked) < 0.3
        # 256 ms after the speech, and 200 ms for the words
        assert max(ducked) == pytest.approx(0.5 + 0.256 + 0.2, abs=0.07)
        assert levels[-1][1] > FULL * 0.9
        assert len(levels) * 0.02 == pytest.approx(SECONDS, abs=0.05), "nothing of it is left out"

    on_stage(listening(recogniser=Whispers("嗯", delay_seconds=0.2), echo_guard=guards), play)


def test_a_short_stop_is_obeyed() -> None:
    async def play(stage: Stage) -> None:
        turn = await stage.chat()
        await stage.log.until("speech.media_started", turn)
        await asyncio.sleep(1)
        await stage.talker.say(0.4)
        await stage.log.until("speech.ended", turn)
        assert now() - stage.talker.stopped_at == pytest.approx(0.256 + 0.2, abs=0.06)
        answered = (await stage.log.until("speech.started", count=2)).turn_id
        await stage.log.until("speech.ended", answered)
        told = {"speech.ended", "status:interrupted", "status:idle", "transcript", "speech.started"}
        names = [name for name in stage.log.kinds() if name in told]
        first = names.index("speech.ended")
        assert names[first : first + 5] == [
            "speech.ended",
            "status:interrupted",
            "status:idle",
            "transcript",
            "speech.started",
        ]

    on_stage(listening(recogniser=Whispers("Stop!", delay_seconds=0.2), chat_model=counting()), play)


@pytest.mark.parametrize("delay_seconds", [3.0, 1000.0])
def test_words_that_come_too_late_do_not_keep_the_voice_down(delay_seconds: float) -> None:
    observed = Observed()
    recogniser = Whispers("Stop!", delay_seconds=delay_seconds)

    async def play(stage: Stage) -> None:
        turn = await stage.speak()
        await stage.log.until("speech.media_started", turn)
        await stage.talker.say(0.4, pause=0.256 + 1.4)
        assert observed.outcomes == ["ducked"]
        await asyncio.sleep(0.2)
        assert observed.outcomes == ["ducked", "resumed"]
        assert (await stage.log.until("speech.ended", turn)).reason == "completed"
        assert recogniser.cancelled == 1

    on_stage(listening(recogniser=recogniser, observers=[observed]), play)


def test_a_recogniser_that_fails_lets_the_avatar_go_on() -> None:
    observed = Observed()

    async def play(stage: Stage) -> None:
        turn = await stage.speak()
        await stage.log.until("speech.media_started", turn)
        await stage.talker.say(0.4, pause=0.5)
        assert observed.outcomes == ["ducked", "resumed"]
        assert (await stage.log.until("speech.ended", turn)).reason == "completed"
        assert [event.code for event in stage.log.of("error")] == ["stt_failed"]

    on_stage(listening(recogniser=Whispers(fails=True), observers=[observed]), play)


def test_who_begins_in_the_last_word_is_heard_to_the_end() -> None:
    observed = Observed()

    async def play(stage: Stage) -> None:
        turn = await stage.speak()
        await stage.log.until("speech.media_started", turn)
        await asyncio.sleep(SECONDS - 0.3)
        stage.talker.begin(0.6)
        assert (await stage.log.until("speech.ended", turn)).reason == "completed"
        answer = (await stage.log.until("speech.started", count=2)).turn_id
        assert stage.log.of("speech.started", answer)[0].text == "yes"
        await stage.log.until("speech.ended", answer)
        assert observed.outcomes == ["ducked", "resumed"]
        assert "listening" in [event.stage for event in stage.log.of("status", answer)]

    on_stage(listening(recogniser=Whispers("yes"), observers=[observed]), play)


def test_the_model_learns_what_was_heard_of_its_answer_and_that_it_was_interrupted() -> None:
    model = counting()

    async def play(stage: Stage) -> None:
        turn = await stage.chat()
        await stage.log.until("speech.media_started", turn)
        await asyncio.sleep(1)
        await stage.talker.say(1.2)
        await stage.log.until("speech.ended", count=2)
        _, asked, heard, question = model.asked[-1]
        assert asked == Message("user", "count")
        # a word each 0.3 s; the voice was heard for 1 s and, ducked, 0.7 s more
        assert heard == Message("assistant", "one two three four five", interrupted=True)
        assert question == Message("user", "what about spain")

    on_stage(listening(recogniser=Whispers("what about spain"), chat_model=model), play)


def test_what_is_asked_is_remembered_even_when_no_word_was_answered() -> None:
    model = counting(delay_seconds=1)

    async def play(stage: Stage) -> None:
        await stage.chat()
        await asyncio.sleep(0.2)
        await stage.talker.say(1)
        await stage.log.until("speech.started", count=2)
        await asyncio.sleep(0.1)
        assert [message.content for message in model.asked[-1][1:]] == ["count", "no, wait"]

    on_stage(listening(recogniser=Whispers("no, wait"), chat_model=model), play)


@pytest.mark.parametrize("text", ["mm-hm", "stop"])
def test_a_client_may_interrupt_while_somebody_interrupts(text: str) -> None:
    observed = Observed()

    async def play(stage: Stage) -> None:
        turn = await stage.speak()
        await stage.log.until("speech.media_started", turn)
        await stage.talker.say(0.4, pause=0.4)
        await stage.engine.interrupt(stage.session)
        await asyncio.sleep(3)
        assert [event.reason for event in stage.log.of("speech.ended")] == ["interrupted"]
        assert observed.outcomes == ["ducked", "resumed"]

    recogniser = Whispers(text, delay_seconds=1)
    on_stage(listening(recogniser=recogniser, observers=[observed]), play)


def test_two_interruptions_in_a_row_are_two_turns() -> None:
    async def play(stage: Stage) -> None:
        turn = await stage.chat()
        await stage.log.until("speech.media_started", turn)
        for count in range(2, 5):
            await stage.talker.say(1, pause=0.8)
            await stage.log.until("speech.started", count=count)
        await stage.log.until("speech.ended", count=4)
        reasons = [event.reason for event in stage.log.of("speech.ended")]
        assert reasons == ["interrupted", "interrupted", "interrupted", "completed"]

    model = ScriptedModel(lambda _: ANSWER)
    on_stage(listening(recogniser=Whispers("tell me more"), chat_model=model), play)


def test_who_speaks_on_after_a_short_word_is_judged_by_all_of_it() -> None:
    async def play(stage: Stage) -> None:
        turn = await stage.speak()
        await stage.log.until("speech.media_started", turn)
        await stage.talker.say(0.4, pause=0.5)
        await stage.talker.say(0.5)
        ended = await stage.log.until("speech.ended", turn)
        assert ended.reason == "interrupted"
        started = await stage.log.until("speech.started", count=2)
        assert started.text == "mm mm"
        await stage.log.until("speech.ended", count=2)

    on_stage(listening(recogniser=Whispers("mm", delay_seconds=1)), play)


def test_a_detector_that_is_slow_delays_no_interruption_for_ever() -> None:
    detector = FakeTurnDetector()
    detector.feed_delay_seconds = 0.1

    async def play(stage: Stage) -> None:
        turn = await stage.speak()
        await stage.log.until("speech.media_started", turn)
        began = now()
        stage.talker.begin(1.5)
        await stage.log.until("speech.ended", turn)
        assert now() - began < 0.9
        await stage.log.until("speech.ended", count=2)

    on_stage(listening(turn_detector=detector), play)
