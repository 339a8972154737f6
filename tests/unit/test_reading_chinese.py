"""How Chinese numbers, dates, times, money and units are read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opentalking.text import chinese_numbers as numbers
from opentalking.text.chinese_reading import read_chinese
from opentalking.text.language import language_of


@pytest.mark.parametrize(
    ("number", "words"),
    [
        ("0", "零"),
        ("10", "十"),
        ("12", "十二"),
        ("20", "二十"),
        ("101", "一百零一"),
        ("110", "一百一十"),
        ("1001", "一千零一"),
        ("1010", "一千零一十"),
        ("10005", "一万零五"),
        ("10,500", "一万零五百"),
        ("100000", "十万"),
        ("100010000", "一亿零一万"),
        ("1000000000001", "一兆零一"),
        ("1" * 17, "一" * 17),
    ],
)
def test_cardinals(number: str, words: str) -> None:
    assert numbers.cardinal(number) == words


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("今天是2024年5月6日", "今天是二零二四年五月六日"),
        ("2024-05-06", "二零二四年五月六日"),
        ("15:30开始，2:05吃饭", "十五点三十分开始,两点零五分吃饭"),
        ("14:00结束", "十四点整结束"),
        ("占25%，10-20%", "占百分之二十五,百分之十到百分之二十"),
        ("-5℃，25°C", "零下五摄氏度,二十五摄氏度"),
        ("$25.50和￥100", "二十五点五美元和一百元"),
        ("2.5万元，200元", "二点五万元,两百元"),
        ("2个，2本，第2名，2楼，12个", "两个,两本,第二名,二楼,十二个"),
        ("5km，100km/h，3.5kg", "五公里,一百公里每小时,三点五公斤"),
        ("电话13800138000", "电话幺三八零零幺三八零零零"),
        ("比分3:2，1/2的人", "比分三比二,二分之一的人"),
        ("10-20岁，1939-1945年", "十到二十岁,一九三九到一九四五年"),
        ("GPT-4和MP3", "GPT四和MP三"),
        ("版本1.2.3", "版本一点二点三"),
        ("007，1,234,567个", "零零七,一百二十三万四千五百六十七个"),
        ("——好……《书》", "—好…“书”"),
        ("it’s好", "it's好"),
    ],
)
def test_what_is_read_for_what_is_written(written: str, spoken: str) -> None:
    assert "".join(item.text for item in read_chinese(written)) == spoken


@given(st.text(alphabet="你好年月个 ,，。:：-/$￥%0123456789kmGab\n", max_size=60))
def test_each_reading_has_its_place_in_the_text(text: str) -> None:
    end = 0
    for item in read_chinese(text):
        assert end <= item.start < item.end <= len(text)
        assert item.text
        end = item.end
    spoken = [at for at, character in enumerate(text) if character.isdigit() or character in "你好年月个"]
    covered = {at for item in read_chinese(text) for at in range(item.start, item.end)}
    assert covered.issuperset(spoken)


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Hello there.", "en"),
        ("你好。", "zh"),
        ("我用 Python 写代码。", "zh"),
        ("The word 你好 means hello.", "en"),
        ("123", "en"),
        ("", "en"),
        ("안녕하세요", "en"),
    ],
)
def test_the_language_is_that_of_most_words(text: str, language: str) -> None:
    assert language_of(text) == language
