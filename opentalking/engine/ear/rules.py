"""When somebody is taken to speak, to have finished, and to interrupt: the numbers, and what follows."""

from dataclasses import dataclass

from opentalking.core.providers import RECOGNITION_RATE, VAD_FRAME_SAMPLES

FRAME_MS = VAD_FRAME_SAMPLES * 1000 // RECOGNITION_RATE


@dataclass(frozen=True, slots=True)
class Rules:
    """The thresholds of turn-taking: probabilities of speech, and milliseconds of sound.

    Times are counted in frames of 32 ms, to the nearest. Speech begins with a frame of `begins` (of
    `begins_over_avatar` while the avatar has the floor) and goes on with frames of `goes_on`.
    """

    begins: float = 0.5
    begins_over_avatar: float = 0.6
    goes_on: float = 0.35
    onset_ms: int = 160
    """Knocks at a door and plucked strings are shorter."""
    onset_over_avatar_ms: int = 192
    pre_roll_ms: int = 300
    """What was heard before the speech is recognised with it."""
    interrupts_ms: int = 672
    """Speech over the avatar's voice that takes the floor whatever its words; a cough is shorter."""
    bridged_ms: int = 96
    """A shorter silence counts as speech."""
    short_pause_ms: int = 250
    """Speech over the avatar's voice that pauses for so long may have ended; then its words decide."""
    words_wait_ms: int = 1500
    second_thought_ms: int = 1000
    """Who goes on so soon after words that did not want the floor is heard from their beginning."""
    longest_again_ms: int = 4000
    breath_ms: int = 128
    """Silence after which the recogniser prepares its answer: within words there is seldom so much."""
    pause_ms: int = 200
    """Silence that is taken for a pause: may that have been all?"""
    sure_end_ms: int = 250
    likely_end_ms: int = 500
    unlikely_end_ms: int = 900
    sure: float = 0.7
    """A probability of the end of the turn above which `sure_end_ms` of silence are enough."""
    unlikely: float = 0.3
    """A probability below which `unlikely_end_ms` are waited."""
    longest_ms: int = 60_000
    release_ms: int = 150
    """Sound that is still on its way when the button is released."""
    unheard_pause_ms: int = 320
    """After an interrupt from outside nothing is heard until a pause of that length."""


def frames(milliseconds: int) -> int:
    """The nearest number of frames, at least 1."""
    return max(1, round(milliseconds / FRAME_MS))


@dataclass(frozen=True, slots=True)
class Begin:
    """Hear utterance `number` from sample `since` on.

    `has_floor`: nobody else speaks. `goes_on`: it continues the one before, whose words have not decided yet.
    """

    number: int
    since: int
    has_floor: bool
    goes_on: bool = False


@dataclass(frozen=True, slots=True)
class Breath:
    """The speaker is silent for a moment: nothing more may follow."""


@dataclass(frozen=True, slots=True)
class Pause:
    """The speaker pauses; whether that is the end of the turn is wanted, for the pause noticed at a frame."""

    frame: int


@dataclass(frozen=True, slots=True)
class Spoken:
    """Where speech lay in the microphone's sound, in samples; None where nobody could tell.

    `noticed` is where the pause was noticed, `end_of_turn` what the turn detector believed.
    """

    began: int | None
    ended: int | None
    noticed: int | None = None
    end_of_turn: float | None = None


@dataclass(frozen=True, slots=True)
class End:
    """That was all of utterance `number`. With `answers` its words are a turn, else they decide."""

    number: int
    spoken: Spoken
    answers: bool


@dataclass(frozen=True, slots=True)
class Discard:
    """Utterance `number`, whether its sound has ended or not, comes to nothing."""

    number: int


@dataclass(frozen=True, slots=True)
class Answer:
    """The words of utterance `number`, whose sound has ended, are a turn after all."""

    number: int
    spoken: Spoken


@dataclass(frozen=True, slots=True)
class HasFloor:
    """The avatar has finished by itself: utterance `number` has the floor now."""

    number: int


@dataclass(frozen=True, slots=True)
class Duck:
    """Somebody may be interrupting: lower the avatar's voice."""


@dataclass(frozen=True, slots=True)
class Unduck:
    """They did not: raise it again."""


@dataclass(frozen=True, slots=True)
class Interrupt:
    """They did: silence the avatar and cancel its turn; its voice is not low any more."""

    number: int


Decision = Begin | Breath | Pause | End | Discard | Answer | HasFloor | Duck | Unduck | Interrupt
