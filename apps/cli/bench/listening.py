"""Measurements with a microphone: how soon an utterance is answered, and what listening costs."""

import asyncio
import time
from collections.abc import Sequence

import numpy as np

from apps.cli.bench.barge_in import back_channels, barging_in, echo
from apps.cli.bench.clips import LIBRIVOX, RATE, Clip, read_librivox
from apps.cli.bench.measure import MouthBox, audible_times, first_speech_movement, percentile
from apps.cli.bench.scenarios import CPU_SECONDS, Figures, mouth_box
from apps.cli.bench.server import QUICK_VOICE, CpuTimes, Subject, Told
from apps.cli.bench.talk import Talk, at_media_rate, room, talk
from opentalking.core.media import FPS, Samples

ROUNDS = 4
"""Each sentence of the reader is said so often, five in a session: 20 turns."""
ANSWER_SECONDS = 10.0
OWN_VOICE = ""
"""The avatar's: what somebody hears who has chosen nothing."""
CHINESE = (
    "今天天气怎么样？",
    "你好，你叫什么名字？",
    "你喜欢听音乐吗？",
    "明天我想去公园散步。",
    "谢谢你的帮助。",
)
CHINESE_SPEAKER = "zm_yunxi"
_STEPS = ("turn_end", "recognised", "first_token", "first_sentence", "first_audio", "media_started")


class Answers:
    """What came of a number of utterances, in ms after the end of speech."""

    def __init__(self, box: MouthBox) -> None:
        self._box = box
        self._sounds: list[float] = []
        self._frames: list[float] = []
        self._steps: dict[str, list[float]] = {step: [] for step in _STEPS}
        self._utterances = 0
        self._turns = 0

    async def ask(self, talking: Talk, clip: Clip) -> None:
        """Say a clip, wait until the answer has sounded for a moment, and break it off."""
        talking.client.received.clear()
        asked_at = time.monotonic()
        self._utterances += 1
        async with talking.saying(clip, quiet_seconds=2 * ANSWER_SECONDS) as (_, ended_at):
            await asyncio.sleep(ended_at - time.monotonic())
            started = await self._answer(talking, ended_at)
            if started is None:
                print(f"  no answer to {clip.text!r}", flush=True)
                await talking.interrupt()  # what comes too late is no answer to the next one
                return
            await talking.client.until_pictures(talking.client.pictures + FPS // 2)
        turn = started.data["turn_id"]
        await talking.interrupt()
        metrics = await talking.metrics(ended_at, turn)
        self._turns += len(talking.events.since(asked_at, "speech.started"))
        self._note(talking, ended_at, started, metrics)

    async def _answer(self, talking: Talk, ended_at: float) -> Told | None:
        """Wait until an answer sounds: how it was told to start, or None when there is none."""
        try:
            started = await talking.events.until("speech.started", ended_at, timeout_seconds=ANSWER_SECONDS)
            turn = started.data["turn_id"]
            await talking.events.until("speech.media_started", ended_at, turn, ANSWER_SECONDS)
        except TimeoutError:
            return None
        return started

    def _note(self, talking: Talk, ended_at: float, started: Told, metrics: Told) -> None:
        received = talking.client.received
        heard = [at for at in audible_times(received) if at > started.at]
        moved = first_speech_movement(received, self._box, started.at)
        if heard and moved:
            self._sounds.append((heard[0] - ended_at) * 1000)
            self._frames.append((moved - ended_at) * 1000)
        for step, times in self._steps.items():
            if (value := metrics.data.get(f"{step}_ms")) is not None:
                times.append(value)

    def figures(self, name: str) -> Figures:
        """Their rows."""
        figures = {
            f"{name}_sound_ms": percentile(self._sounds, 0.5),
            f"{name}_sound_p95_ms": percentile(self._sounds, 0.95),
            f"{name}_movement_ms": percentile(self._frames, 0.5),
            f"{name}_movement_p95_ms": percentile(self._frames, 0.95),
            f"{name}_turns": len(self._sounds),
            f"{name}_turns_per_utterance": self._turns / self._utterances,
            f"{name}_unanswered": self._utterances - len(self._sounds),
        }
        return figures | {f"{name}_{step}_ms": percentile(times, 0.5) for step, times in self._steps.items()}


async def answering(subject: Subject) -> Figures:
    """From the end of speech to the first audible packet and the first moving frame, hands-free."""
    box = await mouth_box(subject)
    chinese = [await subject.clip(text, CHINESE_SPEAKER) for text in CHINESE]
    answers = Answers(box)
    await _ask_all(subject, chinese, QUICK_VOICE, answers)
    figures = answers.figures("heard_zh")
    reader = read_librivox()
    if not reader:
        print(f"  no human voice: {LIBRIVOX} is part of a checkout only", flush=True)
        return figures
    for name, voice in (("heard", QUICK_VOICE), ("heard_own", OWN_VOICE)):
        found = Answers(box)
        for _ in range(ROUNDS):
            await _ask_all(subject, reader, voice, found)
        figures |= found.figures(name)
    return figures


async def _ask_all(subject: Subject, clips: Sequence[Clip], voice: str, found: Answers) -> None:
    async with talk(subject, voice=voice) as talking:
        for clip in clips:
            await found.ask(talking, clip)


async def listening_cost(subject: Subject) -> Figures:
    """CPU of one core while a microphone is off, hears a quiet room, and hears speech without end."""
    figures: Figures = {}
    quiet, speech = room(2 * CPU_SECONDS), _speech()
    for name, turn_taking, sound in (
        ("off", "off", quiet),
        ("idle", "auto", quiet),
        ("speech", "auto", speech),
    ):
        if len(sound):
            used = await _cost(subject, turn_taking, sound)
            figures |= {f"microphone_{name}_{part}_cpu_percent": share for part, share in used.items()}
    return figures


async def _cost(subject: Subject, turn_taking: str, sound: Samples) -> dict[str, float]:
    async with (
        subject.session(turn_taking=turn_taking) as session,
        subject.peer(session, keep=False, microphone=True) as client,
    ):
        await client.until_pictures(FPS)
        saying = asyncio.create_task(client.say(at_media_rate(sound)))
        await client.until_pictures(client.pictures + 2 * FPS)
        began, before = time.monotonic(), subject.cpu()
        await asyncio.sleep(CPU_SECONDS)
        used = _percents(before, subject.cpu(), time.monotonic() - began)
        saying.cancel()
        await asyncio.gather(saying, return_exceptions=True)
    return used


def _percents(before: CpuTimes, after: CpuTimes, seconds: float) -> dict[str, float]:
    parts = ("media", "stt", "vad")
    return {name: 100 * (getattr(after, name) - getattr(before, name)) / seconds for name in parts}


def _speech() -> Samples:
    """The reader without pauses between sentences, for longer than the measurement takes; or empty."""
    spoken = [clip.pcm[round(clip.begin * RATE) : round(clip.end * RATE)] for clip in read_librivox()]
    return np.concatenate([np.zeros(0, np.int16), *spoken, *spoken])


async def everything_heard(subject: Subject) -> Figures:
    """All measurements with a microphone."""
    figures = await answering(subject)
    figures |= await barging_in(subject)
    figures |= await back_channels(subject)
    figures |= await echo(subject)
    figures |= await listening_cost(subject)
    return figures
