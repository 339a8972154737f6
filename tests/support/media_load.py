"""CPU of N sessions' media path: `python -m tests.support.media_load 10 idle|speaking [h264|vp8]`.

The sessions run in a child process of their own, which is the one that is measured. The receivers drop
every packet unread, in batches, so that they neither cost much nor wake the sender. Prints JSON.
"""

import asyncio
import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, cast

import cv2
import numpy as np
import psutil
import pylibsrtp
from aiortc import RTCConfiguration, RTCPeerConnection, RTCRtpReceiver, RTCSessionDescription

from opentalking.core.media import I420, SAMPLES_PER_FRAME, Segment
from opentalking.media.clock import MediaTicker
from opentalking.media.encoder import VideoCodec
from opentalking.media.idle import encode_idle_loop
from opentalking.media.output import MediaOutput
from opentalking.rtc.aiortc_private import own_tasks, prepare_gathering
from opentalking.rtc.peer import Peer, RtcConfig
from tests.support.media import RecordingListener, tone

WIDTH, HEIGHT = 512, 640
WINDOW_SECONDS = 5.0


def face(position: int, mouth: float) -> I420:
    """Something like a portrait: textured, swaying, with a mouth."""
    rng = np.random.default_rng(3)
    small = rng.integers(60, 200, (40, 32, 3), dtype=np.uint8)
    image = cv2.resize(small, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
    cv2.ellipse(image, (256, 300), (150, 200), 0, 0, 360, (200, 160, 140), -1)
    cv2.ellipse(image, (256, 400), (45, round(4 + 20 * mouth)), 0, 0, 360, (60, 20, 30), -1)
    shift = 3 * np.sin(position / 50 * np.pi)
    matrix = np.array([[1, 0, shift], [0, 1, shift / 2]], np.float32)
    image = cv2.warpAffine(image, matrix, (WIDTH, HEIGHT), borderMode=cv2.BORDER_REFLECT)
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2YUV_I420), np.uint8)


async def speak(output: MediaOutput, pictures: list[I420]) -> None:
    await output.begin("t")
    sound = tone(5)
    for start in range(10_000):
        some = tuple(pictures[(start * 5 + index) % len(pictures)] for index in range(5))
        await output.put(Segment("t", sound[: 5 * SAMPLES_PER_FRAME], some))


async def sender(mode: str, codec: VideoCodec) -> None:
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=1 << 22)
    await loop.connect_read_pipe(partial(asyncio.StreamReaderProtocol, reader), sys.stdin)
    idle = encode_idle_loop((face(index, 0) for index in range(100)), codec)
    pictures = [face(index, abs(np.sin(index / 3))) for index in range(50)] if mode == "speaking" else []
    ticker, pool = MediaTicker(), ThreadPoolExecutor(1)
    tasks: list[asyncio.Task[None]] = []
    owned: list[Peer | MediaOutput] = []
    tasks.append(asyncio.create_task(ticker.run()))
    while (line := await reader.readline()) != b"go\n":
        output = MediaOutput(RecordingListener(), pool)
        peer = await Peer.answer(
            json.loads(line), RtcConfig(loopback=True), lambda state: None, output.request_key_frame
        )
        print(json.dumps(peer.answer_sdp), flush=True)
        await peer.wait_connected(20)
        await output.attach(peer, idle)
        ticker.add(output)
        owned += [peer, output]
        if mode == "speaking":
            tasks.append(asyncio.create_task(speak(output, pictures)))
    await asyncio.sleep(1)
    cpu, loop_cpu, wall = time.process_time(), time.thread_time(), time.monotonic()
    await asyncio.sleep(WINDOW_SECONDS)
    seconds = time.monotonic() - wall
    result = {
        "cpu_percent": round(100 * (time.process_time() - cpu) / seconds, 2),
        "loop_thread_percent": round(100 * (time.thread_time() - loop_cpu) / seconds, 2),
        "lateness_p95_ms": round(ticker.lateness.p95_ms, 1),
        "rss_mb": psutil.Process().memory_info().rss >> 20,
    }
    print(json.dumps(result), flush=True)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    for item in owned:
        await (item.close() if isinstance(item, Peer) else item.aclose())


class DroppingSrtp:
    """Counts packets instead of decrypting them."""

    def __init__(self) -> None:
        self.packets = self.bytes = 0

    def unprotect(self, data: bytes) -> bytes:
        self.packets += 1
        self.bytes += len(data)
        raise pylibsrtp.Error("dropped")

    def unprotect_rtcp(self, data: bytes) -> bytes:
        raise pylibsrtp.Error("dropped")


async def batch() -> None:
    """Look at the sockets every 8 ms only."""
    while True:
        time.sleep(0.008)  # noqa: ASYNC251 - blocking is the point
        await asyncio.sleep(0)


async def connect_client(
    child: asyncio.subprocess.Process, codec: str, srtp: DroppingSrtp
) -> RTCPeerConnection:
    assert child.stdin is not None
    assert child.stdout is not None
    client = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    known = RTCRtpReceiver.getCapabilities("video")
    assert known is not None
    video = client.addTransceiver("video", direction="recvonly")
    wanted = {f"video/{codec}", "video/rtx"}
    video.setCodecPreferences([item for item in known.codecs if item.mimeType.lower() in wanted])
    client.addTransceiver("audio", direction="recvonly")
    for transceiver in client.getTransceivers():
        prepare_gathering(transceiver, loopback=True, port_range=None, timeout_seconds=5)
    await client.setLocalDescription()
    child.stdin.write(json.dumps(client.localDescription.sdp).encode() + b"\n")
    answer = json.loads(await child.stdout.readline())
    connected = asyncio.Event()
    client.on("connectionstatechange", connected.set)
    await client.setRemoteDescription(RTCSessionDescription(answer, "answer"))
    while client.connectionState != "connected":
        connected.clear()
        await connected.wait()
    cast(Any, video.receiver.transport)._rx_srtp = srtp
    return client


async def receivers(count: int, mode: str, codec: str) -> None:
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.support.media_load", "child", mode, codec),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=1 << 22,
    )
    assert child.stdin is not None
    assert child.stdout is not None
    srtp = DroppingSrtp()
    clients = [await connect_client(child, codec, srtp) for _ in range(count)]
    child.stdin.write(b"go\n")
    batching = asyncio.create_task(batch())
    started, packets, received = time.monotonic(), srtp.packets, srtp.bytes
    result = json.loads(await child.stdout.readline())
    seconds = time.monotonic() - started
    result["percent_per_session"] = round(result["cpu_percent"] / count, 3)
    result["packets_per_second"] = round((srtp.packets - packets) / seconds / count, 1)
    result["kbit_per_second"] = round((srtp.bytes - received) * 8 / 1000 / seconds / count)
    result["load_average"] = psutil.getloadavg()[0]
    print(json.dumps({"sessions": count, "mode": mode, "codec": codec, **result}))
    batching.cancel()
    await asyncio.gather(batching, return_exceptions=True)
    for client in clients:
        ended = own_tasks(client)
        await client.close()
        await ended()
    await child.wait()


if __name__ == "__main__":
    first, what, *rest = sys.argv[1:]
    if first == "child":
        asyncio.run(sender(what, "vp8" if rest == ["vp8"] else "h264"))
    else:
        asyncio.run(receivers(int(first), what, *(rest or ["h264"])))
