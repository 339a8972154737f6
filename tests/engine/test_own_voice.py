"""What a session plays comes back into its microphone: the real guard keeps it from interrupting itself."""

import asyncio
from collections import deque
from contextlib import suppress

import numpy as np
from numpy.typing import NDArray

from opentalking.audio.echo import Cleaned, EchoGuard
from opentalking.core.commands import StartPlay
from opentalking.core.errors import OpenTalkingError
from opentalking.core.ids import new_id
from opentalking.core.media import Samples
from opentalking.engine.session import Session
from tests.engine.harness import Engine, engine, virtual
from tests.engine.talker import Observed, Whispers, listening
from tests.support.human import readings

Wave = NDArray[np.float64]
PIECE_SECONDS, PIECE_SAMPLES = 0.02, 320
ECHO = 10 ** (-10 / 20)
ON_THE_WAY = 6
"""Pieces of 20 ms that are on their way from the server to the microphone."""


class Loudspeaker(EchoGuard):
    """A guard whose microphone hears what is played, softer and later, and perhaps a person."""

    def __init__(self, *, guards: bool = True) -> None:
        super().__init__()
        self._guards = guards
        self._air: deque[Wave] = deque([np.zeros(PIECE_SAMPLES)] * ON_THE_WAY)
        self._person: deque[Samples] = deque()

    def played(self, sound: Samples | None) -> None:
        super().played(sound)
        self._air.append(
            np.zeros(PIECE_SAMPLES) if sound is None else np.asarray(sound[::3] * ECHO, np.float64)
        )

    def clean(self, near: Samples) -> Cleaned:
        return super().clean(near) if self._guards else Cleaned(near, 0.0)

    def speak(self, pcm: Samples) -> None:
        """A person says something, from the next piece on."""
        whole = pcm[: len(pcm) // PIECE_SAMPLES * PIECE_SAMPLES]
        self._person.extend(whole.reshape(-1, PIECE_SAMPLES))

    def microphone(self) -> Samples:
        """The next 20 ms."""
        echo = self._air.popleft() if self._air else np.zeros(PIECE_SAMPLES)
        person = self._person.popleft() if self._person else 0
        return np.clip(echo + person, -32768, 32767).astype(np.int16)


async def hear(session: Session, room: Loudspeaker) -> None:
    loop = asyncio.get_running_loop()
    at = loop.time()
    while True:
        at += PIECE_SECONDS
        await asyncio.sleep(at - loop.time())
        session.hear(room.microphone())


async def play(e: Engine, session_id: str, pcm: Samples, group: asyncio.TaskGroup) -> str:
    """Let the avatar speak a recording."""
    inlet = await e.tools.commands.open_audio(session_id, 16_000)
    turn_id = new_id()
    await e.call(StartPlay(session_id=session_id, turn_id=turn_id, stream_id=inlet.stream_id))

    async def put() -> None:
        with suppress(OpenTalkingError):  # the turn was interrupted
            await inlet.put(pcm)
            await inlet.finish()

    group.create_task(put())
    return turn_id


def scene(room: Loudspeaker, *, person_after: float | None = None) -> tuple[str, list[str]]:
    """The avatar speaks two human sentences; how that ended, and what was decided about the floor."""
    observed = Observed()
    ends: list[str] = []

    @virtual
    async def run() -> None:
        sentences = [pcm for pcm, _ in readings()]
        parts = listening(recogniser=Whispers("what"), echo_guard=lambda: room, observers=[observed])
        async with engine(parts) as e:
            session_id, _, log = await e.create()
            session = e.worker.session(session_id)
            assert session is not None
            async with asyncio.TaskGroup() as group:
                hearing = group.create_task(hear(session, room))
                turn = await play(e, session_id, np.concatenate(sentences[:2]), group)
                await log.until("speech.media_started", turn)
                if person_after is not None:
                    await asyncio.sleep(person_after)
                    room.speak(sentences[3])
                ends.append((await log.until("speech.ended", turn)).reason)
                hearing.cancel()
            await e.delete(session_id)

    run()
    return ends[0], observed.outcomes


def test_its_own_voice_does_not_interrupt_it() -> None:
    assert scene(Loudspeaker()) == ("completed", [])


def test_a_person_over_its_own_voice_does() -> None:
    assert scene(Loudspeaker(), person_after=4.0) == ("interrupted", ["ducked", "interrupted"])


def test_without_a_guard_it_would_interrupt_itself() -> None:
    reason, outcomes = scene(Loudspeaker(guards=False))
    assert reason == "interrupted"
    assert outcomes[0] == "ducked"
