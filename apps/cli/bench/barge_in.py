"""Measurements of speaking while the avatar speaks: ducking, interrupting, back-channels and its own echo."""

import asyncio
import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from apps.cli.bench.clips import RATE, Clip, mm_hm, read_librivox
from apps.cli.bench.measure import AUDIBLE_RMS, percentile
from apps.cli.bench.scenarios import LONG_TEXT, SENTENCES, Figures
from apps.cli.bench.server import QUICK_VOICE, Subject, Told
from apps.cli.bench.talk import Said, Talk, at_media_rate, talk
from opentalking.core.media import FPS, MEDIA_RATE, SAMPLES_PER_PACKET, Samples
from opentalking.rtc.receiver import Received, decode_sound

TRIALS = 20
DUCKED_DB = -18.0
BACK_CHANNEL_SECONDS = 0.6
BACK_CHANNELS = (
    ("Yeah.", "af_heart"),
    ("Right.", "am_michael"),
    ("Okay.", "af_heart"),
    ("Uh-huh.", "am_michael"),
    ("嗯。", "zf_xiaoxiao"),
    ("对。", "zm_yunxi"),
    ("好的。", "zf_xiaoxiao"),
)
ECHO_SECONDS = 60.0
ECHO_LEVELS_DB = (-10.0, -20.0)
_SPEECH_SECONDS = 2.5
_CHARACTERS_A_SECOND = 15.0
_COMPARABLE_RMS = 600.0
"""Sound of the avatar that is loud enough to tell by how much it was turned down."""
_FIRST_SAYING_SECONDS, _STEP_SECONDS = 1.0, 0.05


@dataclass(frozen=True, slots=True)
class Heard:
    """A turn's sound as it arrived: each packet's arrival, and how loud it is against what was played, in dB.

    The level is nan where what was played is too quiet to tell.
    """

    at: NDArray[np.float64]
    level: NDArray[np.float64]
    gain_db: NDArray[np.float64]

    def ducked_at(self, since: float) -> float | None:
        """Arrival of the first packet after a moment that is turned down."""
        down = (self.at >= since) & (self.gain_db <= DUCKED_DB)
        return float(self.at[down][0]) if down.any() else None

    def last_at(self) -> float:
        """Arrival of the last audible packet."""
        return float(self.at[self.level > AUDIBLE_RMS][-1])

    def first_at(self) -> float:
        """Arrival of the first audible packet."""
        return float(self.at[self.level > AUDIBLE_RMS][0])


def compare(received: Received, played: Samples) -> Heard:
    """Line up what arrived with what was played (mono int16 at 48 kHz); raises `ValueError` for silence."""
    packets = list(decode_sound(received.audio))
    times = np.array([packet.at for packet, _ in packets])
    sound = np.concatenate([pcm for _, pcm in packets]).astype(np.float64)
    levels = np.array([np.sqrt(np.mean(np.square(pcm.astype(np.float64)))) for _, pcm in packets])
    loud = np.flatnonzero(levels > AUDIBLE_RMS)
    if not len(loud):
        raise ValueError("nothing was heard")
    begin = max(0, loud[0] - 2) * SAMPLES_PER_PACKET
    offset = begin - _delay(sound[begin : begin + MEDIA_RATE], played.astype(np.float64))
    source = np.zeros(len(sound))
    known = played[: max(0, len(sound) - offset)]
    source[offset : offset + len(known)] = known
    wanted = np.sqrt(np.mean(np.square(source.reshape(-1, SAMPLES_PER_PACKET)), axis=1))
    comparable = wanted > _COMPARABLE_RMS
    gains = np.full(len(levels), np.nan)
    gains[comparable] = 20 * np.log10(np.maximum(levels[comparable], 1.0) / wanted[comparable])
    return Heard(times, levels, gains)


def _delay(sound: NDArray[np.float64], played: NDArray[np.float64]) -> int:
    """Where in `played` a second of sound from near its begin starts; negative: before it."""
    span = played[: 2 * len(sound)]
    size = len(span) + len(sound)
    likeness = np.fft.irfft(np.fft.rfft(span, size) * np.conj(np.fft.rfft(sound, size)), size)
    place = int(np.argmax(likeness))
    return place if place < len(span) else place - size


async def avatar_speech(subject: Subject) -> Samples:
    """The avatar's own voice, 16 kHz, without pauses: it can be told at any moment how loud it should be."""
    spoken = await subject.clip(LONG_TEXT[:490], QUICK_VOICE)
    hop = RATE // 50
    hops = spoken.pcm[: len(spoken.pcm) // hop * hop].reshape(-1, hop)
    levels = np.sqrt(np.mean(np.square(hops.astype(np.float64)), axis=1))
    return np.asarray(hops[levels > 0.15 * np.percentile(levels, 95)].reshape(-1), np.int16)


class BargeIn:
    """Somebody speaks on while the avatar speaks."""

    def __init__(self, played: Samples) -> None:
        self._played = played
        self.ducked: list[float] = []
        self.silent: list[float] = []
        self.after_decision: list[float] = []
        self.missed = 0

    async def trial(self, talking: Talk, clip: Clip, after_seconds: float) -> None:
        """Let the avatar speak, and speak so long after its first sound."""
        began = time.monotonic()
        talking.client.received.clear()
        turn = await play(talking, self._played)
        await talking.events.until("speech.media_started", began, turn)
        await asyncio.sleep(after_seconds)
        async with talking.saying(clip, quiet_seconds=0.0) as said:
            over = await _ended(talking, began, turn, said.ended_at - time.monotonic())
        # Broken off before it is answered: what sounds after its begin is the avatar's old turn.
        await talking.interrupt()
        await talking.client.until_pictures(talking.client.pictures + FPS // 2)
        ended = await talking.metrics(began, turn)
        if over is None or over.at < said.began_at:
            self.missed += 1
            return
        self._note(talking.client.received, said, ended.data)

    def _note(self, received: Received, said: Said, metrics: dict[str, float | None]) -> None:
        heard = compare(received, at_media_rate(self._played))
        ducked, interrupted, begun = (
            heard.ducked_at(said.began_at),
            metrics.get("interrupted_ms"),
            metrics.get("media_started_ms"),
        )
        self.ducked.append((ducked - said.began_at) * 1000 if ducked else float("inf"))
        self.silent.append((heard.last_at() - said.began_at) * 1000)
        if interrupted is not None and begun is not None:
            decided_at = heard.first_at() + (interrupted - begun) / 1000
            self.after_decision.append(max(0.0, (heard.last_at() - decided_at) * 1000))

    def figures(self) -> Figures:
        """Their rows."""
        return {
            "barge_in_ducked_ms": percentile(self.ducked, 0.5),
            "barge_in_ducked_p95_ms": percentile(self.ducked, 0.95),
            "barge_in_silent_ms": percentile(self.silent, 0.5),
            "barge_in_silent_p95_ms": percentile(self.silent, 0.95),
            "barge_in_decided_p95_ms": percentile(self.after_decision, 0.95),
            "barge_in_trials": len(self.silent),
            "barge_in_missed": self.missed,
        }


async def _ended(talking: Talk, since: float, turn: str, within_seconds: float) -> Told | None:
    """The end of a turn; None when it does not end in time."""
    try:
        return await talking.events.until("speech.ended", since, turn, within_seconds)
    except TimeoutError:
        return None


async def play(talking: Talk, pcm: Samples) -> str:
    """Let the avatar speak with a sound at 16 kHz; the turn's id."""
    reply = await talking.subject.api.post(
        f"/sessions/{talking.session}/speak_audio",
        files={"audio": ("speech.pcm", pcm.astype("<i2").tobytes())},
        data={"sample_rate": str(RATE)},
    )
    reply.raise_for_status()
    turn: str = reply.json()["turn_id"]
    return turn


async def barging_in(subject: Subject) -> Figures:
    """From the begin of speech to the avatar turned down, then to its last audible packet."""
    found = BargeIn(await avatar_speech(subject))
    clips = [_first_seconds(clip) for clip in read_librivox()]
    if not clips:
        return {}
    async with talk(subject) as talking:
        for number in range(TRIALS):
            after = _FIRST_SAYING_SECONDS + number * _STEP_SECONDS
            await found.trial(talking, clips[number % len(clips)], after)
    return found.figures()


def _first_seconds(clip: Clip) -> Clip:
    pcm = clip.pcm[: round((clip.begin + _SPEECH_SECONDS) * RATE)]
    return Clip(pcm, clip.text, clip.begin, min(clip.end, len(pcm) / RATE))


async def back_channels(subject: Subject) -> Figures:
    """How many back-channels under 600 ms leave the answer as it was, and how soon it is loud again."""
    clips = [mm_hm(), *[await subject.clip(text, voice) for text, voice in BACK_CHANNELS]]
    short = [clip for clip in clips if clip.end - clip.begin < BACK_CHANNEL_SECONDS]
    played = await avatar_speech(subject)
    resumed, loud_again = 0, []
    async with talk(subject) as talking:
        for clip in short:
            began = time.monotonic()
            talking.client.received.clear()
            turn = await play(talking, played)
            await talking.events.until("speech.media_started", began, turn)
            await asyncio.sleep(1.0)
            said = await talking.say(clip)
            went_on = not talking.events.since(began, "speech.ended")
            await talking.interrupt()
            await talking.metrics(began, turn)
            resumed += went_on
            if went_on:
                loud_again.append(_resumed_ms(compare(talking.client.received, at_media_rate(played)), said))
            else:
                print(f"  {clip.text or 'mm-hm'!r} ended the answer", flush=True)
    return {
        "back_channel_resumes_percent": 100 * resumed / len(short),
        "back_channel_loud_again_ms": percentile(loud_again, 0.5),
        "back_channels": len(short),
    }


def _resumed_ms(heard: Heard, said: Said) -> float:
    """From the end of a back-channel to the last packet that is turned down; 0 where none is."""
    down = heard.at[(heard.at >= said.began_at) & (heard.gain_db <= DUCKED_DB / 2)]
    return max(0.0, (float(down[-1]) - said.ended_at) * 1000) if len(down) else 0.0


async def echo(subject: Subject) -> Figures:
    """How often a minute the avatar interrupts itself, or turns itself down, when its microphone hears it."""
    figures: Figures = {}
    for level_db in ECHO_LEVELS_DB:
        ended, spoken_seconds = 0, 0.0
        async with talk(subject, echo_db=level_db) as talking:
            while spoken_seconds < ECHO_SECONDS:
                began = time.monotonic()
                text = _text_for(ECHO_SECONDS - spoken_seconds)
                started = await subject.post(f"/sessions/{talking.session}/speak", {"text": text})
                turn = started["turn_id"]
                await talking.events.until("speech.media_started", began, turn)
                speaking = time.monotonic()
                over = await talking.events.until("speech.ended", began, turn, timeout_seconds=90)
                spoken_seconds += over.at - speaking
                ended += over.data["reason"] != "completed"
            others = len(talking.events.since(0.0, "transcript"))
        name = f"echo_{-level_db:.0f}_db"
        figures |= {
            f"{name}_interruptions_per_minute": 60 * ended / spoken_seconds,
            f"{name}_transcripts": others,
            f"{name}_seconds": spoken_seconds,
        }
    return figures


def _text_for(seconds: float) -> str:
    """Sentences that take the quickest voice about so long, or a little longer; at most `LONG_TEXT`."""
    length = round(seconds * _CHARACTERS_A_SECOND)
    text = ""
    for sentence in (*SENTENCES, *SENTENCES):
        if len(text) < length:
            text = f"{text} {sentence}".strip()
    return text
