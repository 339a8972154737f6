"""What leaves one session: 50 audio packets and 25 pictures a second, always, on one time line."""

import logging
from collections import OrderedDict
from concurrent.futures import Executor
from typing import Protocol

from opentalking.core.media import FPS, PACKETS_PER_FRAME, SAMPLES_PER_PACKET, Samples, Segment
from opentalking.media.encoder import LIVE_BITRATE, EncodedFrame, SoundEncoder, VideoCodec
from opentalking.media.figures import OutputTotals, TurnFigures
from opentalking.media.gain import OutgoingVoice
from opentalking.media.idle import IdleLoop
from opentalking.media.pictures import LookFrames, Pictures, Shown
from opentalking.media.playback import OutputListener, play_packet, report_marks
from opentalking.media.turn import TurnBuffer, TurnDropped

__all__ = ["MediaOutput", "MediaSink", "OutputListener", "OutputTap", "TurnDropped"]

logger = logging.getLogger(__name__)

_VIDEO_PTS_PER_TICK = 90_000 // (FPS * PACKETS_PER_FRAME)
_REMEMBERED_TURNS = 16


class MediaSink(Protocol):
    """What a connected peer offers; calls must neither block nor raise."""

    @property
    def codec(self) -> VideoCodec | None:
        """What pictures it takes; None: sound only."""
        ...

    def send_audio(self, payload: bytes, pts: int) -> None:
        """One Opus packet of 20 ms; `pts` in 48 kHz units."""
        ...

    def send_video(self, frame: EncodedFrame, pts: int) -> None:
        """One picture; `pts` in 90 kHz units on the same time line."""
        ...


class OutputTap(Protocol):
    """Sees and hears what a peer does, or would if there were one; must neither block nor raise."""

    def tick(self, number: int, sound: Samples | None, shown: Shown) -> None:
        """20 ms went out: `SAMPLES_PER_PACKET` samples (None: silence), and on even numbers a picture.

        Numbers that are left out were skipped: nothing went out.
        """
        ...


class _PastTurns:
    """What became of the last turns: samples heard, and whether they were played to the end."""

    def __init__(self) -> None:
        self._turns: OrderedDict[str, tuple[int, bool]] = OrderedDict()

    def add(self, turn: TurnBuffer, *, finished: bool) -> None:
        self._turns[turn.turn_id] = (turn.played_samples, finished)
        while len(self._turns) > _REMEMBERED_TURNS:
            self._turns.popitem(last=False)

    def heard_samples(self, turn_id: str) -> int:
        return self._turns.get(turn_id, (0, False))[0]

    def is_finished(self, turn_id: str) -> bool:
        return self._turns.get(turn_id, (0, False))[1]


def _wanted_codec(sink: MediaSink | None, tap: OutputTap | None) -> VideoCodec | None:
    codec = sink.codec if sink is not None else None
    return "h264" if codec is None and tap is not None else codec


class MediaOutput(OutgoingVoice):
    """Plays turns at the clock's pace, and the idle loop between them.

    `tick` is called every 20 ms (by `MediaTicker`); every second tick carries a picture. Sound and
    picture 0 of a turn leave on the same tick. Without a sink everything happens on the clock but
    nothing is encoded, unless somebody records. All methods belong to one event loop.
    """

    def __init__(
        self,
        listener: OutputListener,
        encode_pool: Executor,
        *,
        ahead_seconds: float = 0.6,
        encode_ahead_frames: int = 3,
        video_bitrate: int = LIVE_BITRATE,
        totals: OutputTotals | None = None,
    ) -> None:
        super().__init__()
        self._listener = listener
        self._ahead_seconds = ahead_seconds
        self._sink: MediaSink | None = None
        self._tap: OutputTap | None = None
        self._tap_idle: IdleLoop | None = None
        self._turn: TurnBuffer | None = None
        self._past = _PastTurns()
        self._pictures = Pictures(encode_pool, encode_ahead_frames, video_bitrate, totals)
        self._sound = SoundEncoder()
        self._ticks = 0

    async def attach(self, sink: MediaSink, idle: IdleLoop | None) -> None:
        """Send to `sink` from the next tick on (also replaces one); pictures begin with a key frame.

        `idle` has the sink's codec, and is None exactly for a sink without video.
        """
        if (idle.codec if idle else None) != sink.codec:
            raise ValueError(f"an idle loop of another codec than {sink.codec}")
        self._sink = sink
        self._sound.reset()
        self._pictures.load(idle or self._tap_idle)
        self._follow()

    def detach(self) -> None:
        """The peer is gone; a turn plays on, and is encoded only for somebody who records."""
        self._sink = None
        self._sound.reset()
        if self._tap is None:
            self._follow()

    def record(self, tap: OutputTap | None, idle: IdleLoop | None = None) -> None:
        """Let `tap` see and hear everything from the next tick on (None: nobody).

        `idle` is the H.264 loop that is shown while no peer takes pictures. A peer notices nothing.
        """
        self._tap, self._tap_idle = tap, idle
        if self._sink is None or self._sink.codec is None:
            if tap is not None:
                self._pictures.load(idle)
            self._follow()

    def request_key_frame(self) -> None:
        """The peer cannot decode (PLI, FIR, unrepairable loss): send a key frame, at most each 300 ms."""
        self._pictures.request_key_frame(self._ticks)

    def _follow(self) -> None:
        self._pictures.follow(self._turn, _wanted_codec(self._sink, self._tap))

    def look(self, frames: LookFrames) -> None:
        """Show a look from now on, in place of the idle loop, until a turn's first picture or `rest`.

        Ignored while a turn's pictures go out. A look makes no sound and no listener hears of it; what of it
        is painted but not sent is forgotten.
        """
        self._pictures.look(frames)

    def rest(self, frames: LookFrames) -> None:
        """End the look, if one is shown, with `frames`, which lead into the idle loop."""
        self._pictures.rest(frames)

    async def begin(self, turn_id: str, figures: TurnFigures | None = None) -> None:
        """Start accepting segments of a turn; one that is still playing is dropped. `figures` count it."""
        if self._turn is not None:
            self._close_turn(self._turn, dropped=True)
        self._turn = TurnBuffer(turn_id, self._ahead_seconds, self._pictures.wake, figures)
        self._pictures.begin(self._turn)

    async def put(self, segment: Segment) -> None:
        """Queue a segment; waits while `ahead_seconds` are buffered; raises `TurnDropped`."""
        await self._turn_or_drop(segment.turn_id).put(segment)

    def end(self, turn_id: str) -> None:
        """No more segments of this turn will come; ignored when it is not the current turn."""
        turn = self._turn
        if turn is None or turn.turn_id != turn_id:
            return
        turn.ended = True
        if not turn.has_unit and (turn.in_hole or not turn.started):
            self._finish(turn)

    async def drained(self, turn_id: str) -> None:
        """Wait for the end of playback of the turn's last sample; raises `TurnDropped`."""
        if not self._past.is_finished(turn_id):
            await self._turn_or_drop(turn_id).wait_over()

    def drop(self, turn_id: str) -> None:
        """Silence now: nothing of this turn leaves after the call; the idle loop goes on."""
        if self._turn is not None and self._turn.turn_id == turn_id:
            self._close_turn(self._turn, dropped=True)

    def heard_samples(self, turn_id: str) -> int:
        """Samples of this turn that have left so far (also of the last turns)."""
        if self._turn is not None and self._turn.turn_id == turn_id:
            return self._turn.played_samples
        return self._past.heard_samples(turn_id)

    @property
    def playing(self) -> bool:
        """Whether a turn's sound has begun and not yet ended."""
        return self._turn is not None and self._turn.started

    @property
    def idle_position(self) -> int:
        """Frame of the idle loop that is due next; it moves on while speaking."""
        return self._pictures.idle_position

    async def aclose(self) -> None:
        """Drop the turn, let go of the peer, stop the encoder."""
        if self._turn is not None:
            self._close_turn(self._turn, dropped=True)
        self.detach()
        await self._pictures.aclose()

    def _turn_or_drop(self, turn_id: str) -> TurnBuffer:
        if self._turn is None or self._turn.turn_id != turn_id:
            raise TurnDropped(turn_id)
        return self._turn

    def _finish(self, turn: TurnBuffer) -> None:
        report_marks(turn, self._listener, turn.remaining_marks())
        if turn is self._turn:
            self._close_turn(turn, dropped=False)

    def _close_turn(self, turn: TurnBuffer, *, dropped: bool) -> None:
        self._turn = None
        self._past.add(turn, finished=not dropped)
        self._pictures.end()
        turn.close(dropped=dropped)
        if dropped:
            self._sound.reset()

    def skip(self, ticks: int) -> None:
        """Let both time lines jump over missed ticks, so that they stay with the wall clock."""
        skipped = ticks - ticks % PACKETS_PER_FRAME
        self._ticks += skipped
        self._tell_skipped(skipped)

    def tick(self) -> None:
        """Send what is due in this 20 ms; called by the ticker, never awaits, never raises."""
        try:
            self._tick()
        except Exception:
            # One session's fault must not stop the clock of all the others.
            logger.exception("tick failed, turn dropped")
            if self._turn is not None:
                self._close_turn(self._turn, dropped=True)

    def _tick(self) -> None:
        self._pictures.grant_key_frame(self._ticks)
        tick = self._ticks
        self._ticks += 1
        has_picture = tick % PACKETS_PER_FRAME == 0
        samples = self._faded(self._advance(has_picture))
        if self._sink is not None:
            self._sink.send_audio(self._sound.encode(samples), tick * SAMPLES_PER_PACKET)
        if has_picture:
            self._send_picture(tick)
        if self._tap is not None:
            self._tap.tick(tick, samples, self._pictures.shown if has_picture else None)
        self._tell(samples)

    def _advance(self, has_picture: bool) -> Samples | None:
        """Move the turn on by 20 ms; returns the sound that is due, None for silence."""
        turn = self._turn
        if turn is None or not (
            turn.started or (has_picture and turn.may_start(self._pictures.keeps_waiting))
        ):
            return None
        samples = play_packet(turn, self._listener, begins_unit=has_picture)
        if turn is not self._turn:
            return None
        if turn.ended and turn.in_hole and not turn.has_unit:
            self._finish(turn)
        return samples

    def _send_picture(self, tick: int) -> None:
        frame = self._pictures.next(tick, self._turn if self.playing else None)
        if frame is not None and self._sink is not None and self._sink.codec is not None:
            self._sink.send_video(frame, tick * _VIDEO_PTS_PER_TICK)
