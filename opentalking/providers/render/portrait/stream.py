"""One turn's stream: pieces of speech in, segments of sound and frames out; blocking, single-threaded."""

from opentalking.core.media import I420, MEDIA_RATE, SAMPLES_PER_FRAME, Segment, Speech
from opentalking.providers.render.portrait.acting.bearing import Ease
from opentalking.providers.render.portrait.acting.motion import USUAL, Idling
from opentalking.providers.render.portrait.acting.performance import Performance
from opentalking.providers.render.portrait.painter import FramePainter
from opentalking.providers.render.portrait.prepared import PreparedPortrait
from opentalking.providers.render.timeline import SpeechTimeline

TAIL_FRAMES = 6
"""Silent frames after the last word, in which the mouth closes and the head comes to rest."""
MOVED_TAIL_FRAMES = 10
"""The same for a face that has an emotion to come back from."""


class PortraitStream:
    """Renders one turn; used by one thread at a time."""

    def __init__(
        self,
        portrait: PreparedPortrait,
        turn_id: str,
        idle_position: int,
        shown: Ease | None = None,
        idling: Idling = USUAL,
    ) -> None:
        self._turn_id = turn_id
        self._timeline = SpeechTimeline()
        self._performance = Performance(turn_id, idle_position, shown, idling)
        self._painter = FramePainter(portrait)
        self._finished = False

    @property
    def ready_frames(self) -> int:
        """Frames whose sound is complete and whose mouth is decided; sound without phonemes waits 80 ms."""
        decided = self._performance.decided_frames - self._timeline.start_frame
        return max(0, min(self._timeline.ready_frames, decided))

    @property
    def finished(self) -> bool:
        """Whether all speech is known; the tail may still have to be rendered."""
        return self._finished

    def take(self, piece: Speech | None, most: int) -> Segment | None:
        """Add `piece` (None: there are no more) and render up to `most` frames."""
        if piece is None:
            self._finish()
        else:
            self._add(piece)
        return self.render(most)

    def _add(self, speech: Speech) -> None:
        start = self._timeline.add(speech)
        self._performance.add(speech, start / MEDIA_RATE)

    def _finish(self) -> None:
        self._finished = True
        self._timeline.pad()
        end = self._timeline.start_frame + self._timeline.ready_frames
        if end or self._timeline.has_marks:
            frames = MOVED_TAIL_FRAMES if self._performance.is_moved else TAIL_FRAMES
            self._performance.end(end, frames)
            self._timeline.add_silence(frames * SAMPLES_PER_FRAME)

    def render(self, most: int) -> Segment | None:
        """The next segment of up to `most` frames; None if no frame is ready."""
        count = min(most, self.ready_frames)
        if not count:
            return None
        first = self._timeline.start_frame
        pcm, marks = self._timeline.take(count)
        frames = tuple(self._frame(first + k) for k in range(count))
        return Segment(self._turn_id, pcm, frames, marks)

    def _frame(self, number: int) -> I420:
        shown = self._performance.next(number)
        return self._painter.frame(shown.mouth, shown.shut, shown.pose, shown.expression)
