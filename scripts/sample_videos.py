"""Render a short sample video of every character speaking: H.264 and AAC, offline, without a server.

`sample_videos.py [ID…]` writes `docs/media/<id>.mp4` (English) and, for some, `<id>-zh.mp4` (Chinese), each
with the avatar's own voice of the `local` engine; `--voice` lets all of them speak with one voice.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from opentalking.audio.resample import SpeechResampler  # noqa: E402
from opentalking.catalog.avatars import AvatarCatalog  # noqa: E402
from opentalking.core.avatars import AvatarBundle  # noqa: E402
from opentalking.core.media import FPS, I420, MEDIA_RATE, SAMPLES_PER_FRAME, Samples, Speech  # noqa: E402
from opentalking.core.providers import TextToSpeech  # noqa: E402
from opentalking.providers.registry import ProviderContext, speech_registry  # noqa: E402
from opentalking.providers.render.portrait import PortraitConfig, PortraitRenderer  # noqa: E402
from opentalking.settings import Settings  # noqa: E402

AVATARS = ROOT / "opentalking" / "assets" / "avatars"
VIDEOS = ROOT / "docs" / "media"
MAX_PIXELS = 409_600
LEAD_FRAMES = 12
LEAST_FRAMES = 10 * FPS
QUALITY = "23"
AUDIO_BITS = 96_000

LINES = {
    "demo-avatar": (
        "Hello, I'm Mira!",
        "Everything that you see and hear of me is made on your own computer, while you watch.",
        "Ask me something, and I will answer.",
    ),
    "kofi": (
        "Hi, I'm Kofi.",
        "The words arrive, my lips already know how they sound, and the rest is arithmetic: a lot of it.",
    ),
    "mei": (
        "Good morning, I'm Mei.",
        "After forty years of teaching I promise you this: there are no foolish questions, only shy ones.",
    ),
    "arjun": (
        "Hey, I'm Arjun.",
        "By day I make coffee, by night I make music, and both need good timing. What can I get you?",
    ),
    "orla": (
        "Hi there, I'm Orla!",
        "Did you know that bees can recognise a human face? So be nice to them: they may remember you.",
    ),
    "emil": (
        "Welcome aboard, my name is Emil.",
        "Forty years at sea have taught me to wait for the wind, and to tell a story while I wait.",
    ),
    "amina": (
        "Hello, I'm Amina.",
        "Take your time, and tell me what is on your mind. We will look at it together, step by step.",
    ),
    "nova": (
        "Greetings, I am Nova!",
        "My face is painted with numbers, my voice is made of waves, and my favourite colour is cyan.",
    ),
}
CHINESE_LINES = {
    "mei": ("大家好，我是小梅。", "我教了四十年的书，有一件事我可以保证：没有愚蠢的问题，只有不敢问的问题。"),
    "arjun": ("你好，我是阿俊。", "白天我煮咖啡，晚上我做音乐，两样都要讲究节奏。今天想喝点什么？"),
}


@dataclass(frozen=True)
class Take:
    """Sound and pictures of a video: `len(pcm) == len(frames) * SAMPLES_PER_FRAME`."""

    pcm: Samples
    frames: list[I420]


async def spoken(engine: TextToSpeech, lines: tuple[str, ...], voice: str) -> AsyncIterator[Speech]:
    """The lines, sentence by sentence, at the rate that the face wants."""
    for line in lines:
        resampler = SpeechResampler(MEDIA_RATE)
        async with aclosing(engine.speak(line, voice)) as pieces:
            async for piece in pieces:
                yield resampler.feed(piece)


async def take(
    renderer: PortraitRenderer, bundle: AvatarBundle, engine: TextToSpeech, lines: tuple[str, ...], voice: str
) -> Take:
    """A moment of rest, the lines, and rest until the video is long enough."""
    face = await renderer.open(bundle)
    idle = await asyncio.to_thread(lambda: list(face.idle_frames()))
    frames = list(idle[:LEAD_FRAMES])
    sound = [np.zeros(LEAD_FRAMES * SAMPLES_PER_FRAME, np.int16)]
    async with aclosing(face.render(spoken(engine, lines, voice), "sample", LEAD_FRAMES)) as segments:
        async for segment in segments:
            frames += segment.frames
            sound.append(segment.pcm)
    rest = max(LEAD_FRAMES, LEAST_FRAMES - len(frames))
    frames += [idle[(len(frames) + k) % len(idle)] for k in range(rest)]
    sound.append(np.zeros(rest * SAMPLES_PER_FRAME, np.int16))
    return Take(np.concatenate(sound), frames)


def write(path: Path, film: Take) -> None:
    """Encode the video; players may start before all of it has arrived."""
    path.parent.mkdir(parents=True, exist_ok=True)
    height, width = film.frames[0].shape[0] * 2 // 3, film.frames[0].shape[1]
    with av.open(str(path), "w", format="mp4", options={"movflags": "+faststart"}) as container:
        picture = container.add_stream("libx264", rate=FPS, options={"crf": QUALITY, "preset": "slow"})
        picture.width, picture.height, picture.pix_fmt = width, height, "yuv420p"
        voice = container.add_stream("aac", rate=MEDIA_RATE, layout="mono")
        voice.bit_rate = AUDIO_BITS
        for k, pixels in enumerate(film.frames):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="yuv420p")
            frame.pts, frame.time_base = k, Fraction(1, FPS)
            container.mux(picture.encode(frame))
        container.mux(picture.encode(None))
        samples = av.AudioFrame.from_ndarray(film.pcm[None], format="s16", layout="mono")
        samples.rate, samples.pts, samples.time_base = MEDIA_RATE, 0, Fraction(1, MEDIA_RATE)
        container.mux(voice.encode(samples))
        container.mux(voice.encode(None))
    print(f"{path}  {len(film.frames) / FPS:.1f} s  {path.stat().st_size / 1000:.0f} kB", flush=True)


async def film_all(bundles: list[AvatarBundle], only_voice: str | None) -> None:
    settings = Settings()
    context = ProviderContext(settings.models_path, settings.cache_path)
    engine = speech_registry().make("local", context)
    renderer = PortraitRenderer(PortraitConfig(max_pixels=MAX_PIXELS))
    try:
        for bundle in bundles:
            voices = bundle.manifest["metadata"]["voices"]
            for language, lines, suffix in (("en", LINES, ""), ("zh", CHINESE_LINES, "-zh")):
                if bundle.id in lines:
                    voice = only_voice or voices[language]
                    film = await take(renderer, bundle, engine, lines[bundle.id], voice)
                    await asyncio.to_thread(write, VIDEOS / f"{bundle.id}{suffix}.mp4", film)
    finally:
        await engine.aclose()
        await renderer.aclose()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("ids", nargs="*", metavar="ID")
    parser.add_argument("--voice", help="let everybody speak with this voice of the local engine")
    options = parser.parse_args()
    catalog = AvatarCatalog([AVATARS], MAX_PIXELS)
    bundles = [catalog.bundle(avatar_id) for avatar_id in options.ids] or catalog.all()
    asyncio.run(film_all(bundles, options.voice))


if __name__ == "__main__":
    main()
