"""What comes out of a page: its sound as samples, its pictures as pixels, the browser's statistics.

Times are seconds of the page's clock (`performance.now()`). The work in the page is done by `probe.js`.
"""

import asyncio
import base64
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from playwright.async_api import Page

import opentalking

MOUTH_COLUMNS, MOUTH_ROWS = 48, 32
LOUD = 0.01
"""Root mean square, of 1, of a sound that is heard (a voice has 0.05..0.2)."""

Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Chunk:
    """10 ms or so of sound, and when it arrived."""

    at: float
    rate: int
    samples: NDArray[np.float32]

    @property
    def level(self) -> float:
        return float(np.sqrt(np.mean(np.square(self.samples))))


@dataclass(frozen=True)
class Shown:
    """A picture: when it was shown, grey pixels of the mouth (rows, columns), mean colour of it all."""

    at: float
    media_seconds: float
    mouth: NDArray[np.uint8]
    colour: tuple[float, float, float]


class Senses:
    """Eyes and ears in a page; `listen` and `watch` open them."""

    def __init__(self, page: Page) -> None:
        self.page = page

    async def now(self) -> float:
        return float(await self.page.evaluate("window.__probe.now()")) / 1000

    # -- sound

    async def listen(self) -> None:
        """Begin to keep the sound."""
        await self.page.evaluate("window.__probe.listen()")

    async def sound(self, begin: float, end: float) -> list[Chunk]:
        """The sound that arrived in a span."""
        raw = await self.page.evaluate("window.__probe.sound", [begin * 1000, end * 1000])
        return [Chunk(at / 1000, int(rate), _wave(data)) for at, rate, data in raw]

    async def loud_after(self, moment: float, timeout_seconds: float = 10.0) -> Chunk:
        """Wait for the first loud chunk after a moment."""
        async with asyncio.timeout(timeout_seconds):
            while True:
                for chunk in await self.sound(moment, moment + 3600):
                    if chunk.level > LOUD:
                        return chunk
                await asyncio.sleep(0.05)

    async def silent_for(self, seconds: float, timeout_seconds: float = 10.0) -> None:
        """Wait until nothing loud has come for a while."""
        async with asyncio.timeout(timeout_seconds):
            while True:
                now = await self.now()
                chunks = await self.sound(now - seconds, now)
                if chunks and max(chunk.level for chunk in chunks) < LOUD:
                    return
                await asyncio.sleep(seconds / 4)

    async def last_loud(self, after: float) -> float:
        """When the last loud chunk after a moment arrived; that moment if none did."""
        chunks = await self.sound(after, after + 60)
        return max((chunk.at for chunk in chunks if chunk.level > LOUD), default=after)

    # -- pictures

    async def watch(self, box: Box) -> None:
        """Begin to keep the grey pixels of a box of each picture."""
        await self.page.evaluate(
            "window.__probe.watch", {"box": list(box), "columns": MOUTH_COLUMNS, "rows": MOUTH_ROWS}
        )

    async def looked_at(self, count: int, timeout_seconds: float = 10.0) -> None:
        """Wait until that many pictures were looked at."""
        async with asyncio.timeout(timeout_seconds):
            await self.page.evaluate("window.__probe.looked", count)

    async def pictures(self, begin: float, end: float) -> list[Shown]:
        """The pictures shown in a span."""
        raw = await self.page.evaluate("window.__probe.pictures", [begin * 1000, end * 1000])
        shape = (MOUTH_ROWS, MOUTH_COLUMNS)
        return [
            Shown(at / 1000, media, _bytes(grey).reshape(shape), tuple(colour))
            for at, media, grey, colour in raw
        ]

    async def statistics(self) -> dict[str, dict[str, Any]]:
        """The browser's statistics of the received video and audio."""
        found: dict[str, dict[str, Any]] = await self.page.evaluate("window.__probe.stats()")
        return found

    async def frames_per_second(self, seconds: float) -> float:
        """Pictures decoded per second over the next `seconds`."""
        before = (await self.statistics())["video"]
        await asyncio.sleep(seconds)
        after = (await self.statistics())["video"]
        elapsed = (after["timestamp"] - before["timestamp"]) / 1000
        return float((after["framesDecoded"] - before["framesDecoded"]) / elapsed)


def _bytes(encoded: str) -> NDArray[np.uint8]:
    return np.frombuffer(base64.b64decode(encoded), np.uint8)


def _wave(encoded: str) -> NDArray[np.float32]:
    return _bytes(encoded).view(np.int16).astype(np.float32) / np.float32(32768)


def mouth_box(manifest: dict[str, Any]) -> Box:
    """Where an avatar's mouth moves, from its manifest: x, y, width, height in 0..1."""
    animation = manifest["metadata"]["animation"]
    x, y = animation["mouth_center"]
    half_width, half_height = animation["mouth_rx"], 2 * animation["mouth_ry"]
    return (x - half_width, y - half_height, 2 * half_width, 2.5 * half_height)


def manifest_of(bundle: Path) -> dict[str, Any]:
    manifest: dict[str, Any] = json.loads((bundle / "manifest.json").read_text(encoding="utf-8"))
    return manifest


DEMO = Path(opentalking.__file__).parent / "assets" / "avatars" / "demo-avatar"
DEMO_MOUTH = mouth_box(manifest_of(DEMO))
