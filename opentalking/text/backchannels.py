"""What a listener says to show that they listen, and what they say to take the floor; English and Chinese."""

import re
import unicodedata
from collections.abc import Iterable

_ENGLISH_WORDS = (
    "aha alright absolutely exactly fine gotcha great hm hmm hmmm huh indeed interesting mhm mm mmhm "
    "mmhmm mmm nice oh oho ok okay okey ooh really right sure true uhhuh uhuh wow yah yea yeah yep yes yup "
    "ah er erm uh uhm um well and so cool good cough coughs coughing laughter laughs"
)
_ENGLISH_PHRASES = (
    "all right,got it,i see,i know,i understand,makes sense,mm hm,mm hmm,m hm,oh my,of course,that's right,"
    "thats right,uh huh,uh hum,very good,you're right"
)
_CHINESE_WORDS = (
    "是这样 原来如此 没问题 好的 好吧 好啊 好呀 好嘞 是的 是啊 是呀 是吗 是吧 对的 对啊 对呀 对吧 行吧 "
    "可以 嗯哼 知道了 知道 明白了 明白 了解 当然 没错 不错 真的 这样啊 这样 原来 那个 哎呀 哎哟 哇塞 "
    "嗯 恩 唔 呣 哦 噢 喔 啊 呵 哈 哎 诶 欸 咳 哼 呃 额 嘿 哇 对 好 行 是 咳嗽 笑声 "
    "對的 對啊 對 是嗎 沒錯 沒問題 瞭解 原來如此 這樣"
)
_TAKES_ENGLISH = (
    "stop,wait,no,nope,nah,hold on,hang on,hey,what,sorry,excuse me,but,next,enough,pause,quiet,listen,"
    "cancel,shut up,one moment,one second,just a moment,never mind,actually,however,don't,why,who,where,"
    "when,how,help,repeat,again,pardon,hello,hi,bye,goodbye"
)
_TAKES_CHINESE = (
    "停 等等 等一下 等下 稍等 不 别 什么 为什么 够了 闭嘴 安静 下一个 打住 慢着 慢点 算了 错了 但是 可是 "
    "听我说 再说一遍 重复 取消 暂停 喂 你好 再见 怎么 谁 哪 吗 "
    "別 什麼 為什麼 夠了 閉嘴 安靜 下一個 錯了 聽我說 再說一遍 暫停 再見 怎麼 誰 嗎"
)
_FEWEST_WORDS = 2
_FEWEST_HAN = 3

_BRACKETED = re.compile(r"[\[(（【*][^\])）】*]*[\])）】*]")
_HAN = r"\u3400-\u9fff"
_PIECES = re.compile(rf"[a-z']+|[{_HAN}]+|[^\W_]+")
_IS_HAN = re.compile(rf"[{_HAN}]")
_KNOWN = frozenset(_ENGLISH_WORDS.split())
_KNOWN_PHRASES = [phrase.split() for phrase in _ENGLISH_PHRASES.split(",")]
_KNOWN_CHINESE = re.compile("|".join(sorted(_CHINESE_WORDS.split(), key=len, reverse=True)))
_TAKING_PHRASES = [phrase.split() for phrase in _TAKES_ENGLISH.split(",")]
_TAKING_CHINESE = re.compile("|".join(_TAKES_CHINESE.split()))
_DRAWN_OUT = re.compile(r"([a-z])\1{2,}")


def is_backchannel(text: str) -> bool:
    """Whether `text` says no more than "go on, I hear you": nothing, "mm-hm", "Yeah, right.", "嗯嗯".

    What wants something is none, however short: "no", "stop", "wait", "ok stop", "what", "好的停".
    """
    words, han = _rest(_pieces(text))
    return not words and not han


def takes_the_floor(text: str) -> bool:
    """Whether somebody who says just `text` while another speaks wants to speak themselves.

    They do with a word such as "stop", "wait", "what", "等一下", "不", and with two words (three characters
    of Chinese) that are no back-channels. A single other word is more likely a back-channel, misheard.
    """
    pieces = _pieces(text)
    words, han = _rest(pieces)
    if len(words) >= _FEWEST_WORDS or len(han) >= _FEWEST_HAN:
        return True
    if not words and not han:
        return False
    whole = "".join(piece for piece in pieces if _IS_HAN.search(piece))
    return _TAKING_CHINESE.search(whole) is not None or _contains(words, _TAKING_PHRASES)


def _pieces(text: str) -> list[str]:
    """Words in small letters, and runs of Han characters; what stands in brackets is no speech."""
    plain = unicodedata.normalize("NFKC", _BRACKETED.sub(" ", text)).lower().replace("’", "'")
    return _PIECES.findall(plain)


def _rest(pieces: list[str]) -> tuple[list[str], str]:
    """What is left without back-channels: words, and Han characters."""
    words: list[str] = []
    han = ""
    position = 0
    while position < len(pieces):
        piece = pieces[position]
        length = _backchannel_at(pieces, position)
        if _IS_HAN.search(piece):
            han += _KNOWN_CHINESE.sub("", piece)
        elif not length:
            words.append(piece)
        position += max(1, length)
    return words, han


def _backchannel_at(words: list[str], position: int) -> int:
    """How many words from `position` on are one, 0 when none is."""
    for parts in _KNOWN_PHRASES:
        if words[position : position + len(parts)] == parts:
            return len(parts)
    word = words[position]
    short = _DRAWN_OUT.sub(r"\1\1", word)
    return 1 if {word, short, re.sub(r"(.)\1", r"\1", short)} & _KNOWN else 0


def _contains(words: list[str], phrases: Iterable[list[str]]) -> bool:
    return any(
        words[start : start + len(phrase)] == phrase for phrase in phrases for start in range(len(words))
    )
