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
        ("1000000000001", "一万亿零一"),
        ("1234500000010", "一万二千三百四十五亿零一十"),
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
        ("上世纪1990年代，有5000年历史", "上世纪一九九零年代,有五千年历史"),
        ("工作2年，2岁，2秒，2年级", "工作两年,两岁,两秒,二年级"),
        ("有 2 个，第 2 个，2024 年 2 月", "有两个,第二个,二零二四年二月"),
        ("9:00-18:00，5月1日-7日", "九点整到十八点整,五月一日到七日"),
        ("气温-5℃，20-25℃，15~20°C", "气温零下五摄氏度,二十到二十五摄氏度,十五到二十摄氏度"),
        ("增长-3.5%，为-5", "增长负百分之三点五,为负五"),
        ("好的～谢谢~", "好的谢谢"),
        ("10-4=6，5*3=15", "十减四等于六,五乘三等于十五"),
        ("GPT-3.5和USB3.0", "GPT三点五和USB三点零"),
        ("１２３元，１０个，０，３．５％", "一百二十三元,十个,零,百分之三点五"),
        ("ＡＰＰ，①", "APP,一"),
        ("100㎡，100¥，-¥5", "一百平方米,一百元,负五元"),
        ("2000多年，www.baidu.com", "两千多年,www点baidu点com"),
        ("400-820-8820", "四零零八二零八八二零"),
        ("第10-20页，α粒子", "第十到二十页,alpha粒子"),
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
        ("42。", "zh"),
        ("", "en"),
        ("안녕하세요", "en"),
    ],
)
def test_the_language_is_that_of_most_words(text: str, language: str) -> None:
    assert language_of(text) == language
