"""How scenes are filmed: the head goes on where it was, pauses are idle, and what goes wrong comes out."""

import threading
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest

from opentalking.core.media import (
    FPS,
    I420,
    MEDIA_RATE,
    SAMPLES_PER_FRAME,
    PhonemeTiming,
    Samples,
    Segment,
    Speech,
    WordTiming,
)
from opentalking.media.said import SaidPiece, SaidTurn, append, end_after, read_pieces
from opentalking.providers.fake import FlatFace
from opentalking.services.exports.film import Film
from opentalking.services.exports.scenes import IdleFrames

SPOKEN = 200


class CountingFace(FlatFace):
    """An idle loop of two seconds in which frame n is n, and speech that is `SPOKEN` all over."""

    def __init__(self) -> None:
        super().__init__()
        self.began_at: list[int] = []

    def idle_frames(self) -> Iterator[I420]:
        for number in range(2 * FPS):
            yield np.full((24, 16), number, np.uint8)

    async def render(
        self, speech: AsyncIterator[Speech], turn_id: str, idle_position: int = 0
    ) -> AsyncGenerator[Segment, None]:
        self.began_at.append(idle_position)
        async with aclosing(super().render(speech, turn_id, idle_position)) as segments:
            async for segment in segments:
                frames = tuple(np.full((24, 16), SPOKEN, np.uint8) for _ in segment.frames)
                yield Segment(turn_id, segment.pcm, frames, segment.marks)


@dataclass
class Reel:
    """What was written: the frames' values and the sound; fails when `room` frames are full."""

    room: int = 10_000
    shown: list[int] = field(default_factory=list)
    sound: list[Samples] = field(default_factory=list)
    threads: set[int] = field(default_factory=set)

    def write(self, frames: Sequence[I420], pcm: Samples) -> None:
        if len(self.shown) + len(frames) > self.room:
            raise OSError(28, "No space left on device")
        self.shown += [int(frame[0, 0]) for frame in frames]
        self.sound.append(pcm)
        self.threads.add(threading.get_ident())


@dataclass(frozen=True)
class Tone:
    """A scene of so many frames, with a text."""

    frames: int
    text: str = ""

    def pieces(self) -> Iterator[SaidPiece]:
        pcm = np.full(self.frames * SAMPLES_PER_FRAME, 3000, np.int16)
        yield SaidPiece(Speech(pcm, MEDIA_RATE, self.text), 0, bool(self.text))


async def shot(film: Film) -> list[float]:
    return [share async for share in film.shoot()]


async def test_pauses_show_the_idle_loop_where_the_turn_left_it() -> None:
    face, reel = CountingFace(), Reel()
    film = Film(face, [Tone(45, "One."), Tone(10), Tone(5, "Two.")], reel, "job")
    shares = await shot(film)
    idle_after_one = [number % 50 for number in range(45, 60)]
    idle_after_two = [number % 50 for number in range(70, 85)]
    assert reel.shown == [SPOKEN] * 45 + idle_after_one + [SPOKEN] * 10 + idle_after_two + [SPOKEN] * 5
    assert face.began_at == [0, 10, 35]
    assert len(np.concatenate(reel.sound)) == len(reel.shown) * SAMPLES_PER_FRAME
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    assert [(line.text, line.start_seconds, line.end_seconds) for line in film.lines] == [
        ("One.", 0.0, 1.8),
        ("Two.", 3.4, 3.6),
    ]
    assert threading.get_ident() not in reel.threads


async def test_a_full_disk_ends_the_film() -> None:
    film = Film(CountingFace(), [Tone(100)], Reel(room=20), "job")
    with pytest.raises(OSError, match="No space left"):
        await shot(film)


async def test_a_film_that_is_given_up_writes_no_more() -> None:
    reel = Reel()
    shares = Film(CountingFace(), [Tone(200)], reel, "job").shoot()
    await anext(shares)
    await shares.aclose()
    written = len(reel.shown)
    assert written <= 10
    assert len(reel.shown) == written


def test_idle_frames_come_from_any_place_of_the_loop() -> None:
    idle = IdleFrames(CountingFace())
    assert [int(frame[0, 0]) for frame in idle.take(48, 4)] == [48, 49, 0, 1]
    assert [int(frame[0, 0]) for frame in idle.take(1001, 2)] == [1, 2]


def test_a_piece_comes_back_as_the_face_got_it_and_cut_where_it_was_heard(tmp_path: Path) -> None:
    pcm = np.random.default_rng(1).integers(-9000, 9000, MEDIA_RATE).astype(np.int16)
    phonemes = (PhonemeTiming("h", 0.0, 0.1), PhonemeTiming("ˈa", 0.1, 0.7), PhonemeTiming("ɪ", 0.7, 1.0))
    words = (WordTiming("Hi", 0, 2, 0.0, 0.4), WordTiming("你", 3, 4, 0.5, 1.0))
    speech = Speech(pcm, MEDIA_RATE, "Hi 你", phonemes, words, emotion="sad")
    append(tmp_path, "turn", SaidPiece(speech, 0, True))
    [whole] = read_pieces(tmp_path, SaidTurn("turn", MEDIA_RATE))
    assert np.array_equal(whole.speech.pcm, pcm)
    assert replace(whole.speech, pcm=pcm) == speech
    assert whole.begins_sentence
    [cut] = read_pieces(tmp_path, SaidTurn("turn", MEDIA_RATE // 2))
    assert cut.speech.phonemes == (phonemes[0], PhonemeTiming("ˈa", 0.1, 0.5))
    assert (cut.speech.text, cut.speech.words) == ("Hi", words[:1])
    assert len(cut.speech.pcm) == MEDIA_RATE // 2
    assert cut.speech.pcm[-1] == 0


def test_sound_that_a_full_disk_cut_short_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    start = 0
    for number in range(3):
        speech = Speech(np.full(4000, number + 1, np.int16), MEDIA_RATE, ends_sentence=number == 1)
        append(tmp_path, "turn", SaidPiece(speech, start, False))
        start = end_after(start, speech)
    turn = SaidTurn("turn", start)
    whole = [(piece.start_samples, int(piece.speech.pcm[0])) for piece in read_pieces(tmp_path, turn)]
    assert whole == [(0, 1), (4000, 2), (9600, 3)]
    pcm, lines = tmp_path / "turn.pcm", tmp_path / "turn.jsonl"
    pcm.write_bytes(pcm.read_bytes()[:-100])
    assert len(list(read_pieces(tmp_path, turn))) == 2
    text = lines.read_text(encoding="utf-8")
    lines.write_text(text[: text.index("\n") + 20], encoding="utf-8")
    assert len(list(read_pieces(tmp_path, turn))) == 1
