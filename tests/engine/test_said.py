"""What a session has said is kept as it was heard: whole, cut, or dropped, and given to jobs."""

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Future
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest

from opentalking.core.commands import CopySaid
from opentalking.core.errors import Conflict
from opentalking.core.ids import new_id
from opentalking.core.media import MEDIA_RATE, Samples
from opentalking.engine.said import SaidSpool
from opentalking.media.said import SaidPiece, job_folder, read_pieces, read_turns, session_folder
from tests.engine.harness import Engine, Parts, engine, virtual
from tests.engine.test_played import RATE, play
from tests.support.audio_files import sine
from tests.support.virtual_time import InlineExecutor

WORD_SECONDS = 0.3


class HeldExecutor(InlineExecutor):
    """While it is `held`, all work waits, as on a disk that does not answer."""

    def __init__(self) -> None:
        self.held = False
        self._waiting: list[tuple[Future[Any], Callable[[], Any]]] = []

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        if not self.held:
            return super().submit(fn, *args, **kwargs)
        future: Future[Any] = Future()
        self._waiting.append((future, partial(fn, *args, **kwargs)))
        return future

    def release(self) -> None:
        self.held = False
        for future, work in self._waiting:
            if future.set_running_or_notify_cancel():
                future.set_result(work())


@asynccontextmanager
async def keeping(
    max_seconds: float = 60.0, disk: InlineExecutor | None = None
) -> AsyncIterator[tuple[Engine, Path]]:
    with TemporaryDirectory() as folder:
        spool = SaidSpool(Path(folder), disk or InlineExecutor(), max_seconds)
        async with engine(Parts(said=spool)) as running:
            yield running, Path(folder)


def files(folder: Path) -> list[str]:
    """Names of all files below a folder."""
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def copied_seconds(root: Path) -> list[float]:
    """How long the first turns of all copies are, the shortest first."""
    folders = [path.parent for path in root.rglob("turns.json")]
    return sorted(seconds(list(read_pieces(folder, read_turns(folder)[0]))) for folder in folders)


async def copied(talking: Engine, root: Path, session_id: str) -> list[list[SaidPiece]]:
    """The pieces of every turn, as a job gets them."""
    job_id = new_id()
    await talking.call(CopySaid(session_id=session_id, job_id=job_id))
    folder = job_folder(root, session_id, job_id) / "work" / "said"
    return [list(read_pieces(folder, turn)) for turn in read_turns(folder)]


def sound(pieces: list[SaidPiece]) -> Samples:
    return np.concatenate([piece.speech.pcm for piece in pieces])


def seconds(pieces: list[SaidPiece]) -> float:
    return len(sound(pieces)) / MEDIA_RATE


@virtual
async def test_whole_turns_are_kept_with_their_timings() -> None:
    async with keeping() as (talking, root):
        session_id, _, log = await talking.create()
        with pytest.raises(Conflict, match="said nothing"):
            await copied(talking, root, session_id)
        for text in ("One two three. Four five.", "Six."):
            turn_id = await talking.speak(session_id, text, emotion="happy")
            await log.until("speech.ended", turn_id)
        first, second = await copied(talking, root, session_id)
    assert "".join(piece.speech.text for piece in first if piece.begins_sentence).startswith("One two three.")
    assert [piece.begins_sentence for piece in first] == [True, True]
    assert seconds(first) == pytest.approx(5 * WORD_SECONDS, abs=0.001)
    assert seconds(second) == pytest.approx(WORD_SECONDS, abs=0.001)
    assert {piece.speech.emotion for piece in first + second} == {"happy"}
    assert [word.text for word in first[0].speech.words] == ["One", "two", "three."]
    assert np.abs(sound(first)).max() > 7000


@virtual
async def test_an_interrupted_turn_is_kept_as_far_as_it_was_heard() -> None:
    async with keeping() as (talking, root):
        session_id, _, log = await talking.create()
        turn_id = await talking.speak(session_id, "One two three four five six seven eight.")
        await log.until("speech.media_started", turn_id)
        await asyncio.sleep(1.0)
        await talking.interrupt(session_id)
        [pieces] = await copied(talking, root, session_id)
    assert 0.98 <= seconds(pieces) <= 1.04
    assert [word.text for word in pieces[-1].speech.words] == ["One", "two", "three"]
    assert pieces[-1].speech.text == "One two three"
    assert pieces[-1].speech.ends_sentence
    assert abs(int(sound(pieces)[-1])) < 500


@virtual
async def test_a_turn_that_was_never_heard_is_not_kept() -> None:
    async with keeping() as (talking, root):
        session_id, *_ = await talking.create()
        await talking.speak(session_id, "One two three.")
        await talking.interrupt(session_id)
        with pytest.raises(Conflict):
            await copied(talking, root, session_id)
        assert not files(root)


@virtual
async def test_a_copy_holds_what_was_heard_until_then_while_the_session_talks_on() -> None:
    async with keeping() as (talking, root):
        session_id, _, log = await talking.create()
        turn_id = await talking.speak(session_id, "One two three four. Five six seven eight nine ten.")
        await log.until("speech.media_started", turn_id)
        await asyncio.sleep(1.5)
        [early] = await copied(talking, root, session_id)
        await log.until("speech.ended", turn_id)
        [late] = await copied(talking, root, session_id)
        await talking.delete(session_id)
        assert not files(session_folder(root, session_id))
        assert 1.48 <= seconds(early) <= 1.54
        assert seconds(late) == pytest.approx(10 * WORD_SECONDS, abs=0.001)
        assert copied_seconds(root) == [seconds(early), seconds(late)]
    quiet = MEDIA_RATE // 100
    assert np.array_equal(sound(early)[:-quiet], sound(late)[: len(sound(early)) - quiet])


@virtual
async def test_the_oldest_turns_make_room_and_an_endless_one_is_cut() -> None:
    async with keeping(max_seconds=2.0) as (talking, root):
        session_id, _, log = await talking.create()
        for text in ("One two three.", "Four five six.", "Seven eight nine."):
            turn_id = await talking.speak(session_id, text)
            await log.until("speech.ended", turn_id)
        turns = await copied(talking, root, session_id)
        assert ["".join(piece.speech.text for piece in turn) for turn in turns] == [
            "Four five six.",
            "Seven eight nine.",
        ]
        turn_id = await talking.speak(session_id, "Alpha beta gamma delta. " * 4)
        await log.until("speech.ended", turn_id)
        [pieces] = await copied(talking, root, session_id)
        assert seconds(pieces) == pytest.approx(4 * WORD_SECONDS, abs=0.04)
        assert files(session_folder(root, session_id)) == ["000004.jsonl", "000004.pcm"]


@virtual
async def test_nothing_is_kept_where_that_is_switched_off() -> None:
    async with keeping(max_seconds=0) as (talking, root):
        session_id, _, log = await talking.create()
        turn_id = await talking.speak(session_id, "One.")
        await log.until("speech.ended", turn_id)
        with pytest.raises(Conflict):
            await copied(talking, root, session_id)
        assert not files(root)


@virtual
async def test_played_sound_is_kept_too_without_words() -> None:
    async with keeping() as (talking, root):
        session_id, _, log = await talking.create()
        turn_id, inlet = await play(talking, session_id)
        await inlet.put(sine(440, 1.2, RATE))
        await inlet.finish()
        await log.until("speech.ended", turn_id)
        [pieces] = await copied(talking, root, session_id)
    assert seconds(pieces) == pytest.approx(1.2, abs=0.05)
    assert not any(piece.begins_sentence or piece.speech.text for piece in pieces)
    assert np.abs(sound(pieces)).max() > 3000


@virtual
async def test_a_disk_that_does_not_answer_holds_nothing_else_up() -> None:
    disk = HeldExecutor()
    async with keeping(disk=disk) as (talking, root):
        session_id, _, log = await talking.create()
        turn_id = await talking.speak(session_id, "One two three.")
        await log.until("speech.ended", turn_id)
        turn_id = await talking.speak(session_id, "Four five six seven eight nine ten.")
        await log.until("speech.media_started", turn_id)
        disk.held = True
        job_id = new_id()
        copying = asyncio.create_task(talking.call(CopySaid(session_id=session_id, job_id=job_id)))
        await asyncio.sleep(0)
        async with asyncio.timeout(0.1):
            await talking.interrupt(session_id)
        assert not copying.done()
        disk.release()
        await copying
        folder = job_folder(root, session_id, job_id) / "work" / "said"
        first, second = read_turns(folder)
        assert first.heard_samples == pytest.approx(3 * WORD_SECONDS * MEDIA_RATE, abs=2000)
        assert second.heard_samples < first.heard_samples, "as far as it was heard when it was asked for"


@virtual
async def test_what_was_said_goes_with_its_session_however_late() -> None:
    disk = HeldExecutor()
    async with keeping(disk=disk) as (talking, root):
        session_id, _, log = await talking.create()
        turn_id = await talking.speak(session_id, "One two three.")
        await log.until("speech.ended", turn_id)
        disk.held = True
        await talking.delete(session_id)
        assert session_folder(root, session_id).exists()
        disk.release()
        assert not session_folder(root, session_id).exists()
