"""Utterances that go on from others, before anything answered those."""

import asyncio
import itertools

import pytest

from opentalking.engine.ear.user_turn import JOIN_SECONDS, UserTurn
from tests.engine.harness import virtual


def chain(count: int) -> list[UserTurn]:
    """So many utterances, each of which goes on from the one before."""
    turns = [UserTurn(number, f"turn {number}", lambda _: None) for number in range(1, count + 1)]
    for earlier, later in itertools.pairwise(turns):
        later.go_on_from(earlier)
    return turns


@virtual
async def test_the_last_has_the_words_of_all_and_the_name_of_the_first() -> None:
    turns = chain(3)
    for turn, words in zip(turns, ("what", "", "about Spain"), strict=True):
        turn.found(words)
    assert await turns[-1].words() == "what about Spain"
    assert turns[-1].turn_id == "turn 1"
    assert [turn.is_held for turn in turns] == [True, True, False]


@virtual
async def test_two_that_an_utterance_goes_on_from_are_both_kept() -> None:
    answering, judged, last = (UserTurn(number, f"turn {number}", lambda _: None) for number in range(3))
    last.go_on_from(judged)
    last.go_on_from(answering)
    answering.found("I would like")
    judged.found("well")
    last.found("some tea")
    assert await last.words() == "I would like well some tea"


@virtual
async def test_chinese_is_joined_without_spaces() -> None:
    first, last = chain(2)
    first.found("我想")
    assert last.so_far("知道") == "我想知道"
    last.found("知道")
    assert await last.words() == "我想知道"


@virtual
async def test_words_that_do_not_come_are_not_waited_for_for_ever() -> None:
    first, last = chain(2)
    first.so_far("hello")
    last.found("there")
    assert await last.words() == "hello there", "its partial transcript stands in"
    assert asyncio.get_running_loop().time() == pytest.approx(JOIN_SECONDS)


@virtual
async def test_the_oldest_of_many_are_given_up() -> None:
    turns = chain(7)
    for turn in turns:
        turn.found(str(turn.number))
    assert await turns[-1].words() == "3 4 5 6 7"
    stopped = [turn.sound.ended.is_set() for turn in turns]
    assert stopped == [True, True, False, False, False, False, False]
