"""What is counted of speech, in frames: how it begins, goes on, pauses and ends."""

from opentalking.core.providers import VAD_FRAME_SAMPLES
from opentalking.engine.ear.rules import Breath, Decision, Pause, Rules, Spoken, frames
from opentalking.text.backchannels import is_backchannel


class Onset:
    """Counts the frames of speech that come in a row; one quiet frame between them is bridged.

    One of them is sure. Where nobody else speaks it is the first; over the avatar's voice, where each moment
    counts, those that lead up to it count, too.
    """

    def __init__(self) -> None:
        self.began = 0
        self.length = 0
        self._gap = 0
        self._is_sure = False

    def hear(self, frame: int, probability: float, rules: Rules, *, over: bool) -> int:
        """How many frames in a row are speech up to now; 0 when that is not enough, or this one is none.

        `over`: the avatar has the floor.
        """
        begins = rules.begins_over_avatar if over else rules.begins
        if probability >= (rules.goes_on if self.length or over else begins):
            if not self.length:
                self.began = frame
            self.length += 1 + self._gap
            self._gap = 0
            self._is_sure = self._is_sure or probability >= begins
            enough = frames(rules.onset_over_avatar_ms if over else rules.onset_ms)
            return self.length if self._is_sure and self.length >= enough else 0
        self._gap += bool(self.length)
        if self._gap > 1:
            self.forget()
        return 0

    def forget(self) -> None:
        """Begin anew."""
        self.length = self._gap = 0
        self._is_sure = False


class Past:
    """What was heard before, up to frame `until`: heard again only if it came to nothing just now."""

    def __init__(self) -> None:
        self.until = 0
        self._since = 0
        self._again_from: int | None = None

    def came_to_nothing(self, words: str | None) -> None:
        """What was heard last did not want the floor with its words (None: nobody knows them)."""
        is_unclear = words is not None and not (words and is_backchannel(words))
        self._again_from = self._since if is_unclear else None

    def since(self, began: int, rules: Rules) -> int:
        """The frame from which speech that began at one is to be heard."""
        again, self._again_from = self._again_from, None
        if again is not None and began - self.until <= frames(rules.second_thought_ms):
            self._since = max(again, began - frames(rules.longest_again_ms))
        else:
            self._since = max(self.until, began - frames(rules.pre_roll_ms))
        return self._since


class Heard:
    """An utterance that is being heard: it `began` with a frame, and is counted from frame `since` on.

    `voiced` is how much of it is speech, `silent` how much silence it ends in.
    """

    def __init__(self, began: int, since: int, voiced: int) -> None:
        self.began = began
        self.since = since
        self.voiced = voiced
        self.silent = 0
        self.is_breath = False
        """Whether the silence is long enough for the recogniser to prepare its answer."""
        self.noticed: int | None = None
        """The frame at which the pause was noticed that goes on."""
        self.end_of_turn: float | None = None

    def speech(self, bridged: int) -> None:
        """This frame is speech: what was believed about a pause is void."""
        self.voiced += 1 + (self.silent if self.silent <= bridged else 0)
        self.silent = 0
        self.is_breath = False
        self.noticed = self.end_of_turn = None

    def silence(self, now: int, rules: Rules) -> list[Decision]:
        """This frame is none: what follows when the silence is long enough for it."""
        self.silent += 1
        if not self.is_breath and self.silent >= frames(rules.breath_ms):
            self.is_breath = True
            return [Breath()]
        if self.noticed is None and self.silent >= frames(rules.pause_ms):
            self.noticed = now
            return [Pause(now)]
        return []

    def has_ended(self, rules: Rules) -> bool:
        """Whether the silence is long enough for what is believed about it."""
        believed = self.end_of_turn
        if believed is None or rules.unlikely <= believed <= rules.sure:
            enough = rules.likely_end_ms
        else:
            enough = rules.sure_end_ms if believed > rules.sure else rules.unlikely_end_ms
        return self.silent >= frames(enough)

    def is_too_long(self, now: int, rules: Rules) -> bool:
        """Whether it has gone on for as long as it may."""
        return now - self.since >= frames(rules.longest_ms)

    def spoken(self, until: int) -> Spoken:
        """Where it lay in the sound, if its last speech was before frame `until`."""
        noticed = None if self.noticed is None else self.noticed * VAD_FRAME_SAMPLES
        return Spoken(self.began * VAD_FRAME_SAMPLES, until * VAD_FRAME_SAMPLES, noticed, self.end_of_turn)
