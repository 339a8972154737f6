"""What shows that somebody listens, and what takes the floor."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opentalking.text.backchannels import is_backchannel, takes_the_floor

LISTENING = (
    "|Mm-hm.|mm-hmm|Uh-huh|UH HUH!|yeah|Yeah, yeah.|Yeah, right.|OK|Okay, I see.|Hmmmm|mmmm|ohh|"
    "Right.|That's right|That’s right.|All right|Got it!|Ｏｋａｙ|um|well, so|[MUSIC]|"
    "(coughing)|*cough*|...|嗯|嗯嗯。|嗯，对|哦|对|对对对|好的|好的，好的|是的 没错|不错|知道了|"
    "没问题|原来如此|（咳嗽）|對|ok 好的"
)
TAKING = (
    "stop|Stop!|wait|Wait, wait.|no|Nope.|ok stop|Yeah, but|hold on|Hang on a second|What?|"
    "Excuse me|sorry|next|tell me more|I want pizza|so what|yes it is|and in Paris|停|停下|"
    "等一下|等等|不|不对|不是|什么|什么？|好的停|别说了|够了|下一个|我想问个问题|好的，那北京呢|"
    "什麼|why"
)
MISHEARD = "Mehamu|3|你|吵的|Pam|I|umbrella|红"


@pytest.mark.parametrize("text", LISTENING.split("|"))
def test_who_only_listens_takes_no_floor(text: str) -> None:
    assert is_backchannel(text)
    assert not takes_the_floor(text)


@pytest.mark.parametrize("text", TAKING.split("|"))
def test_who_wants_something_takes_it(text: str) -> None:
    assert takes_the_floor(text)
    assert not is_backchannel(text)


@pytest.mark.parametrize("text", MISHEARD.split("|"))
def test_a_single_word_that_nobody_knows_takes_no_floor_but_means_something(text: str) -> None:
    assert not takes_the_floor(text)
    assert not is_backchannel(text)


@given(st.text(max_size=60))
def test_no_text_is_both(text: str) -> None:
    assert not (is_backchannel(text) and takes_the_floor(text))
