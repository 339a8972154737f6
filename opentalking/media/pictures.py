"""Which picture goes out: a turn's, a look's, or the idle loop's, so that every one can be decoded."""

from collections.abc import Callable
from concurrent.futures import Executor

from opentalking.core.media import I420
from opentalking.media.encoder import LIVE_BITRATE, EncodedFrame, VideoCodec
from opentalking.media.figures import OutputTotals
from opentalking.media.idle import IdleLoop, IdlePicture, IdlePlayer
from opentalking.media.live import LiveVideo
from opentalking.media.looks import Frames, LookPlayer
from opentalking.media.turn import TurnBuffer

LookFrames = Callable[[int], Frames]
"""Makes the pictures of a look, given the frame of the idle loop from which it goes on."""

Shown = I420 | IdlePicture | None
"""The picture that goes out, unencoded or as a place in an idle loop; None: the one before stays."""

_KEY_FRAME_PAUSE_TICKS = 15
"""At most one requested key frame in 300 ms."""
_RELEASE_ENCODER_TICKS = 1500
"""An encoder unused for 30 s is freed."""


class _KeyFrameRequests:
    """Grants at most one request in 300 ms; one that comes too soon is granted later."""

    def __init__(self) -> None:
        self._granted_tick = -_KEY_FRAME_PAUSE_TICKS
        self._is_pending = False

    def request(self) -> None:
        self._is_pending = True

    def grant(self, tick: int) -> bool:
        """Whether a key frame should be made now."""
        if not self._is_pending or tick - self._granted_tick < _KEY_FRAME_PAUSE_TICKS:
            return False
        self._granted_tick = tick
        self._is_pending = False
        return True

    def satisfy(self) -> None:
        """A key frame went out."""
        self._is_pending = False


class Pictures:
    """The three sources of one session's pictures; every change of source begins with a key frame.

    A turn's pictures come before a look's, and these before the idle loop, whose phase moves on all
    the time. `next` is called on every video tick.
    """

    def __init__(
        self,
        pool: Executor,
        ahead_frames: int,
        bitrate: int = LIVE_BITRATE,
        totals: OutputTotals | None = None,
    ) -> None:
        self._totals = totals or OutputTotals()
        self._video = LiveVideo(pool, ahead_frames, bitrate)
        self._looks = LookPlayer(pool, bitrate)
        self._idle = IdlePlayer()
        self._key_frames = _KeyFrameRequests()
        self._codec: VideoCodec | None = None
        self._live_tick = 0
        self._is_live = self._is_looking = False
        self.shown: Shown = None
        """What `next` gave last."""

    @property
    def idle_position(self) -> int:
        """Frame of the idle loop that is due next."""
        return self._idle.position

    @property
    def keeps_waiting(self) -> bool:
        """Whether the turn's first picture is still being made."""
        return self._video.is_active and not self._video.has_ready

    def load(self, idle: IdleLoop | None) -> None:
        """Play another idle loop."""
        self._idle.load(idle)

    def follow(self, turn: TurnBuffer | None, codec: VideoCodec | None) -> None:
        """Make pictures for another peer, from the next one on (None: for none, and free the encoder)."""
        self._codec = codec
        self._is_live = self._is_looking = False
        self._looks.follow(codec)
        if turn is None:
            self._video.stop()
        else:
            self.begin(turn)
        if codec is None:
            self._video.release()

    def begin(self, turn: TurnBuffer) -> None:
        """A turn begins; its pictures go out as soon as it plays."""
        self._video.follow(turn, self._codec)

    def end(self) -> None:
        """The turn is over: back to the idle loop, unless a look goes on."""
        self._video.stop()
        self._looks.resume()
        if self._is_live:
            self._is_live = False
            self._idle.jump_to_key()

    def wake(self) -> None:
        """The turn has more pictures; they come before those of a look."""
        self._looks.pause()
        self._video.wake()

    def look(self, frames: LookFrames) -> None:
        """Show a look in place of the idle loop; ignored while a turn's pictures go out."""
        if not self._is_live:
            self._looks.show(frames(self.idle_position))

    def rest(self, frames: LookFrames) -> None:
        """End the look, if one is shown, with `frames`, which lead into the idle loop."""
        if self._is_looking:
            self._looks.show(frames(self.idle_position))
        else:
            self._looks.stop()

    def request_key_frame(self, tick: int) -> None:
        """The peer cannot decode: make a key frame, at most each 300 ms."""
        self._key_frames.request()
        self.grant_key_frame(tick)

    def grant_key_frame(self, tick: int) -> None:
        """Make the key frame that was asked for, once it may be."""
        if not self._key_frames.grant(tick):
            return
        if self._is_live:
            self._video.request_key_frame()
        elif self._is_looking:
            self._looks.request_key_frame()
        else:
            self._idle.jump_to_key()

    def next(self, tick: int, turn: TurnBuffer | None) -> EncodedFrame | None:
        """The picture that goes out now; `turn` is the one that plays. None: leave this one out."""
        self.shown = None
        frame = self._video.pop() if turn is not None else None
        if frame is not None:
            self._begin_live(tick)
            self.shown = self._video.shown
        elif not self._is_live:
            frame = self._look_or_idle(tick)
        if self._is_live and turn is not None and turn.in_hole:
            self._video.request_repeat()
        self._idle.advance()
        if frame is not None and frame.key:
            self._key_frames.satisfy()
        if self._codec is not None:
            self._count(frame, due=turn is not None and not turn.in_hole)
        return frame

    async def aclose(self) -> None:
        """Stop for good."""
        await self._looks.aclose()
        await self._video.aclose()

    def _count(self, frame: EncodedFrame | None, *, due: bool) -> None:
        """Count what goes out; `due`: it should be a new picture of the turn."""
        is_new = self._is_live and frame is not None
        if due and not is_new:
            self._totals.dropped += 1
        if frame is not None:
            self._totals.picture("speaking" if self._is_live else "look" if self._is_looking else "idle")

    def _begin_live(self, tick: int) -> None:
        self._live_tick = tick
        if not self._is_live:
            self._is_live, self._is_looking = True, False
            self._looks.stop()

    def _look_or_idle(self, tick: int) -> EncodedFrame | None:
        """The picture that is due while no turn's go out; None while a look is late."""
        frame = self._looks.pop()
        if frame is not None:
            self._is_looking = True
            self.shown = self._looks.shown
            return frame
        if self._is_looking and self._looks.is_active:
            return None
        if self._is_looking:
            self._is_looking = False
            self._idle.jump_to_key()
        if tick - self._live_tick >= _RELEASE_ENCODER_TICKS:
            self._video.release()
        frame = self._idle.current()
        self.shown = self._idle.picture
        return frame
