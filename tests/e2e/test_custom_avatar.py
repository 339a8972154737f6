"""A face from an uploaded photo: it speaks at once, and goes on when it is deleted meanwhile."""

import time

import httpx
import numpy as np

from tests.support.api_client import ApiSession
from tests.support.figures import Measured
from tests.support.photos import PHOTOS
from tests.support.rtc_client import Picture, RtcClient
from tests.support.server import RunningServer, eventually

TEXT = "Are all our apples over there? Mama, papa, banana."
MOVED = 5.0
"""Change of a mouth pixel between two pictures, of 255; sway, breath and the codec make less than 3."""


def moved(pictures: list[Picture], centre: list[float], reach: tuple[float, float]) -> float:
    """The largest change between two pictures around a place (shares of width and height)."""
    boxes = []
    for picture in pictures:
        assert picture.i420 is not None
        height, width = picture.i420.shape[0] * 2 // 3, picture.i420.shape[1]
        rows = slice(round((centre[1] - reach[1]) * height), round((centre[1] + reach[1]) * height))
        columns = slice(round((centre[0] - reach[0]) * width), round((centre[0] + reach[0]) * width))
        boxes.append(picture.i420[rows, columns].astype(np.float64))
    return float(np.abs(np.diff(np.array(boxes), axis=0)).mean((1, 2)).max())


async def more(client: RtcClient, number: int) -> list[Picture]:
    """The next so many pictures."""
    count = len(client.pictures)
    await client.until(lambda: len(client.pictures) >= count + number)
    return client.pictures[count:]


async def test_an_uploaded_photo_speaks_also_after_it_was_deleted(
    server: RunningServer, measured: Measured
) -> None:
    async with httpx.AsyncClient(base_url=server.url, timeout=60) as http:
        started = time.monotonic()
        answer = await http.post(
            "/avatars/custom",
            data={"name": "Grace", "base_avatar_id": "demo-avatar", "consent": "true"},
            files={"image": ("photo.jpg", (PHOTOS / "grace_hopper.jpg").read_bytes(), "image/jpeg")},
        )
        measured("POST /avatars/custom, s", round(time.monotonic() - started, 2))
        assert answer.status_code == 200, answer.text
        made = answer.json()
        animation = made["metadata"]["animation"]
        reach = (animation["mouth_rx"], 2 * animation["mouth_ry"])
        started = time.monotonic()
        async with ApiSession(server.url, made["id"], voice=None) as session, RtcClient() as client:
            measured("POST /sessions with a fresh custom avatar, s", round(time.monotonic() - started, 3))
            await session.connect(client)
            for is_deleted in (False, True):
                idle = moved(await more(client, 10), animation["mouth_center"], reach)
                assert idle < MOVED, f"an idle mouth that moves: {idle:.1f}"
                count = len(client.pictures)
                events = await session.ended(await session.speak(TEXT))
                assert [e.data["reason"] for e in events if e.name == "speech.ended"] == ["completed"]
                talking = moved(client.pictures[count:], animation["mouth_center"], reach)
                assert talking > MOVED, f"{talking:.1f}, deleted: {is_deleted}"
                if not is_deleted:
                    gone = await http.delete(f"/avatars/{made['id']}")
                    assert gone.json() == {"deleted": True, "avatar_id": made["id"], "status": "deleted"}
                    assert (await http.get(f"/avatars/{made['id']}/preview")).status_code == 404
    await eventually(lambda: server.media_sockets() == 0, "all media sockets closed")
