"""One turn's stream: pieces of speech in, segments of sound and frames out; blocking, single-threaded."""

from opentalking.core.media import I420, MEDIA_RATE, SAMPLES_PER_FRAME, Segment, Speech
from opentalking.providers.render.portrait.articulation import Articulation
from opentalking.providers.render.portrait.motion import SpeechAccents, blink, idle_pose
from opentalking.providers.render.portrait.painter import FramePainter
from opentalking.providers.render.portrait.prepared import PreparedPortrait
from opentalking.providers.render.timeline import SpeechTimeline

TAIL_FRAMES = 6
"""Silent frames after the last word, in which the mouth closes and the head comes to rest."""


class PortraitStream:
    """Renders one turn; used by one thread at a time."""

    def __init__(self, portrait: PreparedPortrait, turn_id: str, idle_position: int) -> None:
        self._turn_id = turn_id
        self._idle_position = idle_position
        self._timeline = SpeechTimeline()
        self._articulation = Articulation()
        self._accents = SpeechAccents()
        self._painter = FramePainter(portrait)
        self._tail_start: int | None = None
        self._finished = False

    @property
    def ready_frames(self) -> int:
        """Frames whose sound is complete."""
        return self._timeline.ready_frames

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
        self._articulation.add(speech, start / MEDIA_RATE)

    def _finish(self) -> None:
        self._finished = True
        self._timeline.pad()
        end = self._timeline.start_frame + self._timeline.ready_frames
        if end or self._timeline.has_marks:
            self._tail_start = end
            self._timeline.add_silence(TAIL_FRAMES * SAMPLES_PER_FRAME)

    def render(self, most: int) -> Segment | None:
        """The next segment of up to `most` frames; None if no frame is ready."""
        count = min(most, self._timeline.ready_frames)
        if not count:
            return None
        first = self._timeline.start_frame
        pcm, marks = self._timeline.take(count)
        frames = tuple(self._frame(first + k) for k in range(count))
        return Segment(self._turn_id, pcm, frames, marks)

    def _frame(self, number: int) -> I420:
        face, loudness = self._articulation.next_frame(number)
        if self._tail_start is not None and number >= self._tail_start:
            left = 1 - (number - self._tail_start + 1) / TAIL_FRAMES
            self._accents.settle(left)
            if left <= 0:  # the last frame is the loop's own mouth, whatever was said before
                face = face * 0
        position = self._idle_position + number
        pose = self._accents.add(idle_pose(position), loudness, position)
        return self._painter.frame(face, blink(position), pose)
