"""The measurements, each against a running server."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from apps.cli.bench.measure import (
    MouthBox,
    audible_times,
    av_offsets_ms,
    first_movement,
    idle_signs,
    percentile,
)
from apps.cli.bench.server import Subject
from opentalking.core.media import FPS
from opentalking.rtc.receiver import PacketClient, decode_pictures

TURNS = 7
CPU_SECONDS = 10.0
MANY = 10
IDLE_LOOP_PICTURES = 210
"""A little more than the idle loop has."""
SENTENCES = (
    "Hello, how can I help you today?",
    "Please send me the report by Friday afternoon.",
    "The weather was too bad for flying.",
    "A talking avatar needs clear speech and natural timing.",
    "I will review it over the weekend.",
    "Let me think about that for a moment.",
    "Good morning, it is nice to see you again.",
)
QUESTIONS = (
    "Hello! Who are you?",
    "What is your favourite colour?",
    "Can you tell me a joke?",
    "What do you like about music?",
    "How was your day?",
    "What should I cook tonight?",
    "Do you like rainy days?",
)
CHINESE = (
    "你好，很高兴见到你。",
    "请问你需要什么帮助？",
    "今天天气很好，我们去公园散步吧。",
    "如果明天下雨，我们就在家里休息。",
    "这本书很有意思，你一定要看一看。",
    "昨天晚上我和朋友看了一部电影。",
    "谢谢你的帮助，再见！",
)
CHINESE_VOICE, ENGLISH_VOICE = "zf_xiaoxiao", "af_heart"
LONG_TEXT = " ".join((*SENTENCES, *SENTENCES))

Figures = dict[str, float]


async def mouth_box(subject: Subject) -> MouthBox:
    """Where the avatar's mouth is, from its manifest."""
    manifest = (await subject.api.get("/avatars/demo-avatar")).json()
    animation = manifest["metadata"]["animation"]
    (x, y), rx, ry = animation["mouth_center"], animation["mouth_rx"], animation["mouth_ry"]
    return MouthBox(x - rx, y - ry, x + rx, y + 2 * ry)


async def connecting(subject: Subject) -> Figures:
    """Time to make a session, and from its offer to the first picture that can be decoded."""
    sessions, offers = [], []
    for _ in range(3):
        began = time.monotonic()
        async with subject.session() as session:
            sessions.append((time.monotonic() - began) * 1000)
            began = time.monotonic()
            async with subject.peer(session, keep=True) as client:
                await client.until_pictures(3)
                first = next(decode_pictures(client.received.video))[0]
                offers.append((first.at - began) * 1000)
    return {"session_ms": percentile(sessions, 0.5), "first_picture_ms": percentile(offers, 0.5)}


async def voice_turns(subject: Subject, name: str, voice: str, texts: tuple[str, ...]) -> Figures:
    """From `/speak` with a Kokoro voice to its first audible packet, and its CPU per second of sound."""
    await subject.hear_once(voice, "Hello." if voice == ENGLISH_VOICE else "你好。")
    sounds: list[float] = []
    heard_seconds = 0.0
    async with subject.session() as session, subject.peer(session, keep=True) as client:
        await client.until_pictures(FPS)
        cpu = subject.cpu()
        for text in texts:
            client.received.clear()
            async with _until_ended(subject, session):
                began = time.monotonic()
                await subject.post(f"/sessions/{session}/speak", {"text": text, "voice": voice})
            heard = [at for at in audible_times(client.received) if at > began]
            if heard:
                sounds.append((heard[0] - began) * 1000)
                heard_seconds += heard[-1] - heard[0]
        used = subject.cpu().kokoro - cpu.kokoro
    return {
        f"speak_{name}_sound_ms": percentile(sounds, 0.5),
        f"speak_{name}_sound_p95_ms": percentile(sounds, 0.95),
        f"speak_{name}_cpu_per_second": used / heard_seconds if heard_seconds else float("nan"),
    }


async def turns(subject: Subject, path: str, field: str, texts: tuple[str, ...]) -> Figures:
    """From the request to the first audible packet and the first moving frame, over several turns."""
    box = await mouth_box(subject)
    sounds: list[float] = []
    frames: list[float] = []
    offsets: list[float] = []
    fps: list[float] = []
    async with subject.session() as session, subject.peer(session, keep=True) as client:
        await client.until_pictures(IDLE_LOOP_PICTURES)
        idle = idle_signs(client.received)
        for text in texts:
            client.received.clear()
            await client.until_pictures(client.pictures + FPS)
            began = time.monotonic()
            async with _until_ended(subject, session):
                began = time.monotonic()
                await subject.post(f"/sessions/{session}/{path}", {field: text})
            heard = [at for at in audible_times(client.received) if at > began]
            moved = first_movement(client.received, box, began)
            if heard and moved:
                sounds.append((heard[0] - began) * 1000)
                frames.append((moved - began) * 1000)
            offsets += av_offsets_ms(client.received, idle)
            ends = [packet.at for packet in client.received.video if packet.marker]
            fps.append((len(ends) - 1) / (ends[-1] - ends[0]))
    magnitudes = [abs(offset) for offset in offsets]
    return {
        f"{path}_sound_ms": percentile(sounds, 0.5),
        f"{path}_sound_p95_ms": percentile(sounds, 0.95),
        f"{path}_movement_ms": percentile(frames, 0.5),
        f"{path}_turns": len(sounds),
        f"{path}_av_offset_p50_ms": percentile(magnitudes, 0.5),
        f"{path}_av_offset_p95_ms": percentile(magnitudes, 0.95),
        f"{path}_fps": percentile(fps, 0.5),
    }


@asynccontextmanager
async def _until_ended(subject: Subject, session: str) -> AsyncIterator[None]:
    opened = asyncio.Event()
    ended = asyncio.create_task(subject.until_event(session, "speech.ended", opened))
    try:
        await opened.wait()
        yield
        await ended
    finally:
        ended.cancel()
        await asyncio.gather(ended, return_exceptions=True)


async def interrupts(subject: Subject) -> Figures:
    """From the reply of an interrupt to the last audible packet (0: none came after the reply)."""
    late = []
    async with subject.session() as session, subject.peer(session, keep=True) as client:
        await client.until_pictures(FPS)
        for number in range(TURNS):
            client.received.clear()
            await subject.post(f"/sessions/{session}/speak", {"text": LONG_TEXT})
            await client.until_pictures(client.pictures + FPS + 9 * number)
            asked = time.monotonic()
            await subject.post(f"/sessions/{session}/interrupt")
            await client.until_pictures(client.pictures + FPS)
            heard = audible_times(client.received)
            if heard:
                late.append(max(0.0, (heard[-1] - asked) * 1000))
    return {
        "interrupt_ms": percentile(late, 0.5),
        "interrupt_p95_ms": percentile(late, 0.95),
        "interrupts": len(late),
    }


async def idle_cost(subject: Subject, count: int) -> Figures:
    """CPU of one core and memory per idle session, with `count` of them connected."""
    before = subject.rss_mb()
    async with AsyncExitStack() as stack:
        clients: list[PacketClient] = []
        for _ in range(count):
            session = await stack.enter_async_context(subject.session())
            clients.append(await stack.enter_async_context(subject.peer(session, keep=False)))
        await asyncio.gather(*(client.until_pictures(FPS) for client in clients))
        pictures = [client.pictures for client in clients]
        began, cpu = time.monotonic(), subject.cpu()
        await asyncio.sleep(CPU_SECONDS)
        seconds = time.monotonic() - began
        used = (subject.cpu().media - cpu.media) / seconds
        rates = [(client.pictures - first) / seconds for client, first in zip(clients, pictures, strict=True)]
        memory = subject.rss_mb() - before
    return {
        f"idle_{count}_cpu_percent": 100 * used / count,
        f"idle_{count}_fps": min(rates),
        f"idle_{count}_rss_mb": memory / count,
    }


async def speaking_cost(subject: Subject) -> Figures:
    """CPU of one core while one session speaks; the model processes beside it."""
    async with subject.session() as session, subject.peer(session, keep=False) as client:
        await client.until_pictures(FPS)
        started = asyncio.Event()
        waiting = asyncio.create_task(subject.until_event(session, "speech.media_started", started))
        await started.wait()
        await subject.post(f"/sessions/{session}/speak", {"text": LONG_TEXT})
        await waiting
        began, cpu, pictures = time.monotonic(), subject.cpu(), client.pictures
        await asyncio.sleep(CPU_SECONDS)
        seconds, after = time.monotonic() - began, subject.cpu()
        rate = (client.pictures - pictures) / seconds
    return {
        "speaking_cpu_percent": 100 * (after.media - cpu.media) / seconds,
        "speaking_tts_cpu_percent": 100 * (after.tts - cpu.tts) / seconds,
        "speaking_llm_cpu_percent": 100 * (after.llm - cpu.llm) / seconds,
        "speaking_fps": rate,
    }


async def everything_said(subject: Subject) -> Figures:
    """All measurements without a microphone."""
    figures = await connecting(subject)
    figures |= await turns(subject, "speak", "text", SENTENCES)
    figures |= await turns(subject, "chat", "prompt", QUESTIONS)
    figures |= await voice_turns(subject, "zh", CHINESE_VOICE, CHINESE)
    figures |= await voice_turns(subject, "en_kokoro", ENGLISH_VOICE, SENTENCES)
    figures |= await interrupts(subject)
    figures |= await idle_cost(subject, 1)
    figures |= await idle_cost(subject, MANY)
    figures |= await speaking_cost(subject)
    return figures
