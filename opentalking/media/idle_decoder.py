"""The pictures of an encoded idle loop."""

from typing import cast

import av
import numpy as np
from av.error import FFmpegError
from av.video.codeccontext import VideoCodecContext

from opentalking.core.media import I420
from opentalking.media.idle import IdleLoop, IdlePicture

_DECODERS = {"h264": "h264", "vp8": "libvpx"}


class IdleDecoder:
    """Decodes pictures of idle loops, cheapest in their order (blocking, about 1 ms for 512x512).

    One that does not follow the last is reached from the key frame before it.
    """

    def __init__(self) -> None:
        self._loop: IdleLoop | None = None
        self._position = 0
        self._context: VideoCodecContext | None = None

    def picture(self, wanted: IdlePicture) -> I420 | None:
        """The picture at this place; None where the decoder has none."""
        loop, position = wanted.loop, wanted.position
        if loop is not self._loop:
            self._loop, self._context = loop, _open(loop)
        elif position == (self._position + 1) % len(loop.frames):
            return self._decode(loop, position)
        picture = None
        for index in range(max(key for key in loop.key_positions if key <= position), position + 1):
            picture = self._decode(loop, index)
        return picture

    def _decode(self, loop: IdleLoop, position: int) -> I420 | None:
        self._position = position
        if self._context is None:
            return None
        try:
            frames = self._context.decode(av.Packet(loop.frames[position].payload))
        except FFmpegError:
            return None
        return np.asarray(frames[-1].to_ndarray(format="yuv420p"), np.uint8) if frames else None


def _open(loop: IdleLoop) -> VideoCodecContext:
    context = cast(VideoCodecContext, av.CodecContext.create(_DECODERS[loop.codec], "r"))
    if loop.codec == "h264":
        # Each frame comes out at once, not when the next one goes in.
        context.options = {"flags": "low_delay"}
    context.thread_count = 1
    return context
