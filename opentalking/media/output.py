"""What leaves one session: 50 audio packets and 25 pictures a second, always, on one time line."""

import logging
from collections import OrderedDict
from concurrent.futures import Executor
from typing import Protocol

import numpy as np

from opentalking.core.media import (
    FPS,
    PACKETS_PER_FRAME,
    SAMPLES_PER_PACKET,
    Mark,
    Samples,
    Segment,
)
from opentalking.media.encoder import EncodedFrame, OpusEncoder, VideoCodec, silence_packet
from opentalking.media.idle import IdleLoop
from opentalking.media.live import LiveVideo
from opentalking.media.turn import TurnBuffer, TurnDropped

__all__ = ["MediaOutput", "MediaSink", "OutputListener", "TurnDropped"]

logger = logging.getLogger(__name__)

_VIDEO_PTS_PER_TICK = 90_000 // (FPS * PACKETS_PER_FRAME)
_FRAME_MS = 1000 // FPS
_KEY_FRAME_PAUSE_TICKS = 15
"""At most one requested key frame in 300 ms."""
_START_PATIENCE_FRAMES = 12
"""Sound waits at most 480 ms for the turn's first encoded picture."""
_RELEASE_ENCODER_TICKS = 1500
"""An encoder unused for 30 s is freed."""
_REMEMBERED_TURNS = 16
_SILENCE = np.zeros(SAMPLES_PER_PACKET, np.int16)


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


class OutputListener(Protocol):
    """Hears what is played, on the tick; must not block."""

    def started(self, turn_id: str) -> None:
        """First sound and picture of the turn go out."""
        ...

    def mark(self, turn_id: str, mark: Mark) -> None:
        """The mark's sample starts to play."""
        ...

    def frame(self, turn_id: str, frame_index: int, pts_ms: int) -> None:
        """A picture of the turn is due; from 0 each turn, `pts_ms` in the turn's own sound."""
        ...


class MediaOutput:
    """Plays turns at the clock's pace, and the idle loop between them.

    `tick` is called every 20 ms (by `MediaTicker`); every second tick carries a picture. Sound and
    picture 0 of a turn leave on the same tick. Without a sink everything happens on the clock but
    nothing is encoded. All methods belong to one event loop.
    """

    def __init__(
        self,
        listener: OutputListener,
        encode_pool: Executor,
        *,
        ahead_seconds: float = 0.6,
        encode_ahead_frames: int = 3,
    ) -> None:
        self._listener = listener
        self._ahead_seconds = ahead_seconds
        self._video = LiveVideo(encode_pool, encode_ahead_frames)
        self._sink: MediaSink | None = None
        self._idle: IdleLoop | None = None
        self._turn: TurnBuffer | None = None
        self._past: OrderedDict[str, tuple[int, bool]] = OrderedDict()
        self._opus: OpusEncoder | None = None
        self._opus_needs_flush = False
        self._ticks = 0
        self._phase = 0
        self._is_live = False
        self._jump_to_key = False
        self._key_granted_tick = -_KEY_FRAME_PAUSE_TICKS
        self._key_pending = False
        self._live_tick = 0

    # -- peer

    async def attach(self, sink: MediaSink, idle: IdleLoop | None) -> None:
        """Send to `sink` from the next tick on (also replaces one); pictures begin with a key frame.

        `idle` has the sink's codec, and is None exactly for a sink without video.
        """
        if (idle.codec if idle else None) != sink.codec:
            raise ValueError(f"an idle loop of another codec than {sink.codec}")
        self._sink, self._idle = sink, idle
        self._opus = None
        self._follow()

    def detach(self) -> None:
        """The peer is gone; a turn plays on without being encoded."""
        self._sink = None
        self._opus = None
        self._follow()
        self._video.release()

    def request_key_frame(self) -> None:
        """The peer cannot decode (PLI, FIR, unrepairable loss): send a key frame, at most each 300 ms."""
        if self._ticks - self._key_granted_tick < _KEY_FRAME_PAUSE_TICKS:
            self._key_pending = True
            return
        self._key_granted_tick = self._ticks
        self._key_pending = False
        if self._is_live:
            self._video.request_key_frame()
        else:
            self._jump_to_key = True

    def _follow(self) -> None:
        self._is_live = False
        self._jump_to_key = True
        if self._turn is None:
            self._video.stop()
        else:
            self._video.follow(self._turn, self._sink.codec if self._sink else None)

    # -- turns

    async def begin(self, turn_id: str) -> None:
        """Start accepting segments of a turn; one that is still playing is dropped."""
        if self._turn is not None:
            self._close_turn(self._turn, dropped=True)
        self._turn = TurnBuffer(turn_id, self._ahead_seconds, self._video.wake)
        self._video.follow(self._turn, self._sink.codec if self._sink else None)

    async def put(self, segment: Segment) -> None:
        """Queue a segment; waits while `ahead_seconds` are buffered; raises `TurnDropped`."""
        if self._turn is None or self._turn.turn_id != segment.turn_id:
            raise TurnDropped(segment.turn_id)
        await self._turn.put(segment)

    def end(self, turn_id: str) -> None:
        """No more segments of this turn will come."""
        turn = self._turn
        if turn is None or turn.turn_id != turn_id:
            return
        turn.ended = True
        if not turn.has_unit and (turn.in_hole or not turn.started):
            self._finish(turn)

    async def drained(self, turn_id: str) -> None:
        """Wait for the end of playback of the turn's last sample; raises `TurnDropped`."""
        if self._turn is not None and self._turn.turn_id == turn_id:
            await self._turn.wait_over()
        elif not self._past.get(turn_id, (0, False))[1]:
            raise TurnDropped(turn_id)

    def drop(self, turn_id: str) -> None:
        """Silence now: nothing of this turn leaves after the call; the idle loop goes on."""
        if self._turn is not None and self._turn.turn_id == turn_id:
            self._close_turn(self._turn, dropped=True)

    def heard_samples(self, turn_id: str) -> int:
        """Samples of this turn that have left so far (also of the last turns)."""
        if self._turn is not None and self._turn.turn_id == turn_id:
            return self._turn.played_samples
        return self._past.get(turn_id, (0, False))[0]

    @property
    def playing(self) -> bool:
        """Whether a turn's sound has begun and not yet ended."""
        return self._turn is not None and self._turn.started

    @property
    def idle_position(self) -> int:
        """Frame of the idle loop that is due next; it moves on while speaking."""
        return self._phase % len(self._idle.frames) if self._idle else self._phase

    async def aclose(self) -> None:
        """Drop the turn, let go of the peer, stop the encoder."""
        if self._turn is not None:
            self._close_turn(self._turn, dropped=True)
        self.detach()
        await self._video.aclose()

    def _finish(self, turn: TurnBuffer) -> None:
        for mark in turn.remaining_marks():
            self._listener.mark(turn.turn_id, mark)
        if turn is self._turn:
            self._close_turn(turn, dropped=False)

    def _close_turn(self, turn: TurnBuffer, *, dropped: bool) -> None:
        self._turn = None
        self._past[turn.turn_id] = (turn.played_samples, not dropped)
        while len(self._past) > _REMEMBERED_TURNS:
            self._past.popitem(last=False)
        self._video.stop()
        turn.close(dropped=dropped)
        if dropped:
            # The encoder still holds 2.5 ms of what must not be heard any more.
            self._opus = None
        if self._is_live:
            self._is_live = False
            self._jump_to_key = True

    # -- clock

    def skip(self, ticks: int) -> None:
        """Let both time lines jump over missed ticks, so that they stay with the wall clock."""
        self._ticks += ticks - ticks % PACKETS_PER_FRAME

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
        if self._key_pending:
            self.request_key_frame()
        tick = self._ticks
        self._ticks += 1
        has_picture = tick % PACKETS_PER_FRAME == 0
        samples = self._advance(has_picture)
        if self._sink is not None:
            self._sink.send_audio(self._encode_sound(samples), tick * SAMPLES_PER_PACKET)
        if has_picture:
            self._send_picture(tick)

    def _advance(self, has_picture: bool) -> Samples | None:
        """Move the turn on by 20 ms and report what happens; returns the sound, None for silence."""
        turn = self._turn
        if turn is None or not (turn.started or (has_picture and self._may_start(turn))):
            return None
        if has_picture and not self._next_unit(turn):
            return None
        samples = turn.next_packet()
        # In a hole only what lies behind the last sample played has happened.
        reached = turn.played_samples + (1 if samples is None else 0)
        for mark in turn.due_marks(reached):
            self._listener.mark(turn.turn_id, mark)
        return samples if turn is self._turn else None

    def _may_start(self, turn: TurnBuffer) -> bool:
        if not turn.has_unit:
            return False
        turn.frames_waited += 1
        waits_for_picture = self._video.is_active and not self._video.has_ready
        return not waits_for_picture or turn.frames_waited > _START_PATIENCE_FRAMES

    def _next_unit(self, turn: TurnBuffer) -> bool:
        """Begin the next 40 ms; False when the turn is over."""
        index = turn.next_unit()
        if index is None:
            if turn.ended:
                self._finish(turn)
            return not turn.ended
        if not turn.started:
            turn.started = True
            self._listener.started(turn.turn_id)
        self._listener.frame(turn.turn_id, index, index * _FRAME_MS)
        return True

    def _encode_sound(self, samples: Samples | None) -> bytes:
        if samples is None and not (self._opus and self._opus_needs_flush):
            return silence_packet()
        if self._opus is None:
            self._opus = OpusEncoder()
        self._opus_needs_flush = samples is not None
        return self._opus.encode(_SILENCE if samples is None else samples)

    def _send_picture(self, tick: int) -> None:
        frame = self._video.pop() if self.playing else None
        if frame is not None:
            self._is_live = True
            self._live_tick = tick
        elif not self._is_live:
            frame = self._idle_frame(tick)
        if self._is_live and self._turn is not None and self._turn.in_hole:
            self._video.request_repeat()
        self._phase += 1
        if frame is not None and self._sink is not None:
            if frame.key:
                self._key_pending = False
            self._sink.send_video(frame, tick * _VIDEO_PTS_PER_TICK)

    def _idle_frame(self, tick: int) -> EncodedFrame | None:
        if self._idle is None:
            return None
        if self._jump_to_key:
            self._phase = self._idle.nearest_key(self.idle_position)
            self._jump_to_key = False
        if tick - self._live_tick >= _RELEASE_ENCODER_TICKS:
            self._video.release()
        return self._idle.frames[self.idle_position]
