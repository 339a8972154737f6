"""How English numbers, dates, times, money, units and abbreviations are read."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opentalking.text import english_numbers as numbers
from opentalking.text.english_reading import read_english


def read(text: str) -> str:
    return " ".join(item.text for item in read_english(text))


@pytest.mark.parametrize(
    ("number", "words"),
    [
        ("0", "zero"),
        ("007", "seven"),
        ("13", "thirteen"),
        ("40", "forty"),
        ("101", "one hundred one"),
        ("1,234,567", "one million two hundred thirty-four thousand five hundred sixty-seven"),
        ("1000000", "one million"),
        ("9" * 16, " ".join(["nine"] * 16)),
    ],
)
def test_cardinals(number: str, words: str) -> None:
    assert numbers.cardinal(number) == words


@pytest.mark.parametrize(
    ("number", "words"),
    [
        ("1066", "ten sixty-six"),
        ("1900", "nineteen hundred"),
        ("1905", "nineteen oh five"),
        ("1984", "nineteen eighty-four"),
        ("2000", "two thousand"),
        ("2007", "two thousand seven"),
        ("2026", "twenty twenty-six"),
    ],
)
def test_years(number: str, words: str) -> None:
    assert numbers.year(number) == words


@pytest.mark.parametrize(
    ("number", "words"),
    [
        ("1", "first"),
        ("12", "twelfth"),
        ("20", "twentieth"),
        ("21", "twenty-first"),
        ("100", "one hundredth"),
    ],
)
def test_ordinals(number: str, words: str) -> None:
    assert numbers.ordinal(number) == words


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("in 1984 and 3.14", "in nineteen eighty-four and three point one four"),
        ("-5 and 0.5", "minus five and zero point five"),
        ("$25.50", "twenty-five dollars and fifty cents"),
        ("$1, £3, €1,200.01", "one dollar , three pounds , one thousand two hundred euros and one cent"),
        ("$1.5 million or $5k", "one point five million dollars or five thousand dollars"),
        ("£0.50 and 20 USD", "fifty pence and twenty dollars"),
        ("25% off", "twenty-five percent off"),
        ("at 3:45 pm", "at three forty-five P M"),
        ("3:00, 3:05", "three o'clock , three oh five"),
        ("15:30 or 00:15", "three thirty P M or twelve fifteen A M"),
        ("9 a.m. sharp", "nine A M sharp"),
        ("on May 6, 2024.", "on May sixth, twenty twenty-four ."),
        ("6 May 2024", "the sixth of May twenty twenty-four"),
        ("Sept. 3rd", "September third"),
        ("2024-05-06", "May sixth, twenty twenty-four"),
        ("12/25/2023", "December twenty-fifth, twenty twenty-three"),
        ("the 1990s and '80s", "the nineteen nineties and eighties"),
        ("5km, 1 kg, 16GB", "five kilometers , one kilogram , sixteen gigabytes"),
        ("100 km/h at -5°C", "one hundred kilometers per hour at minus five degrees Celsius"),
        ("5 m people", "five m people"),
        ("1/2 and 3/4", "one half and three quarters"),
        ("10-20 people, 1939–1945", "ten to twenty people , nineteen thirty-nine to nineteen forty-five"),
        ("call 555-123-4567", "call five five five, one two three, four five six seven"),
        ("version 1.2.3", "version one point two point three"),
        ("GPT-4, H264, MP3", "GPT four , H two six four , MP three"),
        ("the 22nd", "the twenty-second"),
        ("#1 and No. 5", "number one and number five"),
        ("me@example.com", "me at example dot com"),
        ("https://www.open-talking.ai/docs.", "open dash talking dot ai ."),
        ("Dr. Smith vs. Mr. Brown, etc.", "doctor Smith versus mister Brown , et cetera"),
        ("e.g. the U.S.A. won", "for example the U S A won"),
        ("2 & 3 = 5", "two and three equals five"),
        ("well-known – yes -- no - ok", "well known — yes — no — ok"),
        ("“Hi” (he said)…", "“ Hi ” ( he said ) …"),
        ("didn’t, café", "didn't , café"),
    ],
)
def test_what_is_read_for_what_is_written(written: str, spoken: str) -> None:
    assert read(written) == spoken


@given(st.text(alphabet="ab ,.!?'-/:$€%°#@&()0123456789kmGBst\n你—", max_size=60))
def test_each_reading_has_its_place_in_the_text(text: str) -> None:
    end = 0
    for item in read_english(text):
        assert end <= item.start < item.end <= len(text)
        assert item.text
        end = item.end
    digits = [at for at, character in enumerate(text) if character.isdigit()]
    covered = {at for item in read_english(text) for at in range(item.start, item.end)}
    assert covered.issuperset(digits), "a number went unread"


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("-$5 and −€3.50", "minus five dollars and minus three euros and fifty cents"),
        ("$10-20, $1.5–2 million", "ten to twenty dollars , one point five to two million dollars"),
        ("$10-$20, 100€", "ten dollars to twenty dollars , one hundred euros"),
        ("In March 5,000 people", "In March five thousand people"),
        ("By May 20% left", "By May twenty percent left"),
        ("May 1-5", "May first to fifth"),
        ("the 6th May 2024", "the sixth of May twenty twenty-four"),
        ("1:30:45", "one thirty and forty-five seconds"),
        ("9:00-17:00", "nine o'clock to five P M"),
        ("9am-5pm", "nine A M to five P M"),
        ("20-25°C, 5-10km", "twenty to twenty-five degrees Celsius , five to ten kilometers"),
        ("5%-10%, 5-10%", "five to ten percent , five to ten percent"),
        ("GPT-3.5 and Python3.11, v1.2.3", "GPT three point five and Python three point eleven , "
         "v one point two point three"),
        ("the mid-1990s", "the mid nineteen nineties"),
        ("10 - 4 = 6, 5 * 3 = 15", "ten minus four equals six , five times three equals fifteen"),
        ("6/2=3", "six divided by two equals three"),
        ("2 1/2 cups, 2½", "two and a half cups , two and one half"),
        ("(555) 123-4567", "five five five, one two three, four five six seven"),
        (".5 and x²", "zero point five and x squared"),
        ("10 min, 5 g", "ten minutes , five grams"),
        ("A ripe fig. See fig. 3.", "A ripe fig . See figure three ."),
        ("Main St. to St. John", "Main street to saint John"),
        ("A -> B", "A , B"),
        ("Thanks~ ~5 km =====", "Thanks about five kilometers"),
        ("[1,200,3000]", "one thousand two hundred , three thousand"),
        ("１２３ ＡＢＣ ５０％ ①", "one hundred twenty-three ABC fifty percent one"),
        ("π is 3", "pi is three"),
        ("50 km/h - 60 km/h", "fifty kilometers per hour to sixty kilometers per hour"),
        ("Node.js and main.py.", "Node dot js and main dot py ."),
    ],
)  # fmt: skip
def test_what_used_to_be_misread(written: str, spoken: str) -> None:
    assert read(written) == spoken


@pytest.mark.parametrize("piece", ["a_", "a-", "1-", "+1", ".", "1,111", "1.", "a@", "$1", "1 1/", "1%-"])
def test_hostile_text_takes_linear_time(piece: str) -> None:
    start = time.process_time()
    read(piece * (10_000 // len(piece)))
    assert time.process_time() - start < 1.0
