"""Stage directions that chat models write, such as "smiling warmly" or "点点头": told from other words.

Every word of a phrase has to be known here, so what is content ("about 3 km", "laughing gas") stays.
"""

import re
from dataclasses import dataclass

from opentalking.core.conversation import Emotion

MAX_WORDS = 6
MAX_HAN = 8
MAX_CHARACTERS = 48
"""Of a direction; what is longer is none."""


def _split(words: str) -> tuple[str, ...]:
    return tuple(words.split())


_GESTURES = frozenset(
    _split(
        "smiles laughs chuckles giggles grins smirks nods sighs winks shrugs gasps blushes snickers yawns "
        "sniffles sobs groans pouts claps exhales inhales bows mumbles murmurs"
    )
)
"""A direction wherever it stands."""
_AMBIGUOUS = frozenset(
    _split(
        "smile laugh chuckle giggle grin smirk nod sigh wink shrug gasp blush snicker yawn sob groan pout "
        "clap bow wave waves waving pause pauses pausing whisper whispers whispering beams beaming thinks "
        "thinking ponders pondering listens listening looks looking leans leaning gestures gesturing "
        "frowns frowning cries crying cheers cheering hums humming coughs coughing sniffs sniffing sings "
        "singing blinks blinking squeals squealing stretches stretching snorts snorting gulps gulping "
        "speaks speaking jumps jumping hugs hugging dances dancing bounces bouncing turns turning steps "
        "stepping nudges nudging pats patting laughter applause smiling laughing chuckling giggling "
        "grinning smirking nodding sighing winking shrugging gasping blushing snickering yawning "
        "sniffling sobbing groaning pouting clapping exhaling inhaling bowing mumbling murmuring"
    )
)
"""A direction where no sentence is under way; within one they may be its words."""
_HANDLING = frozenset(
    _split(
        "clears clearing tilts tilting raises raising shakes shaking rolls rolling takes taking scratches "
        "scratching crosses crossing folds folding lowers lowering rubs rubbing lifts lifting opens "
        "opening closes closing touches touching tucks tucking places placing puts putting bites biting "
        "adjusts adjusting lights light lighting widens widen widening sparkle sparkling twinkle "
        "twinkling softens softening"
    )
)
"""Gestures only together with one of `_PARTS`."""
_PARTS = frozenset(
    _split(
        "throat head eyebrow eyebrows brow eyes eye breath hand hands arm arms shoulders shoulder lips "
        "lip chin hair finger heart chest voice gaze glasses tie collar"
    )
)
_MANNER = frozenset(
    _split(
        "warmly gently softly quietly cheerfully happily sadly gladly brightly playfully kindly calmly "
        "seriously sternly solemnly firmly thoughtfully enthusiastically excitedly joyfully nervously "
        "shyly slowly sheepishly sarcastically curiously apologetically sympathetically surprised amused "
        "excited curious thoughtful confused happy sad delighted embarrassed angrily proudly knowingly "
        "mischievously teasingly tearfully earnestly confidently politely eagerly hesitantly awkwardly "
        "dramatically sincerely cheekily tenderly lovingly sweetly dreamily jokingly reassuringly"
    )
)
_LEADS = frozenset(
    _split("with in after still while a warm gentle soft slight big brief small bright long playful friendly")
)
_FILLERS = frozenset(
    _split(
        "an the hello hi goodbye her his my their its at in with to for of on up and then while as from "
        "into over toward towards back down away around out off forward closer nearer you herself himself "
        "themselves itself camera screen viewer agreement approval surprise effect moment second beat "
        "understanding amusement disbelief thought response greeting return encouragement recognition "
        "deep little quick knowing wide sheepish bit one both loudly aloud again once heartily wistfully"
    )
)
_MOODS = frozenset(
    _split(
        "enthusiasm excitement joy delight relief sadness sympathy curiosity confidence pride warmth tone "
        "voice"
    )
)
"""What somebody does something with or in."""
_CORE = _GESTURES | _AMBIGUOUS | _MANNER
_OPENERS = _CORE | _HANDLING | _LEADS | {"eyes", "voice"}
_WORDS = _OPENERS | _PARTS | _FILLERS | _MOODS
_ADVERB = re.compile(r"[a-z]{3,}ly")
_SEPARATOR = re.compile(r"[\s,;/&]+")
_FINAL = ".!…。！ "

_HAN_SURE = _split(
    "哈哈大笑 微微一笑 笑了笑 笑了起来 微笑 大笑 轻笑 偷笑 苦笑 傻笑 坏笑 笑 点了点头 点点头 点头 "
    "摇了摇头 摇摇头 摇头 叹了口气 叹了一口气 叹口气 叹气 眨了眨眼 眨眨眼睛 眨眨眼 眨眼睛 眨眼 "
    "挥了挥手 挥挥手 挥手 招了招手 招招手 招手 耸了耸肩 耸耸肩 耸肩 鞠躬 清了清嗓子 清清嗓子 歪头 "
    "歪着头 歪了歪头 挠头 挠挠头 鼓掌 拍手 捂嘴 捂脸 吐舌头 吐了吐舌头 深吸一口气 深呼吸 哈哈 嘻嘻 "
    "呵呵 嘿嘿 脸红 害羞地 哽咽 抽泣"
)
_HAN_AMBIGUOUS = _split(
    "思考 沉思 想了想 想了一下 停顿 停了停 停顿了一下 沉默 轻声 轻轻 轻柔 温柔 温和 热情 开心 高兴 "
    "愉快 兴奋 激动 欢快 认真 严肃 低声 小声 悄悄 惊讶 吃惊 惊喜 难过 伤心 悲伤 失落 害羞 调皮 俏皮 "
    "得意 尴尬 流泪 哭 皱眉 皱了皱眉 好奇 疑惑 亲切 柔声 若有所思"
)
_HAN_FILLERS = _split(
    "着 了 地 的 一下 片刻 微微 缓缓 慢慢 稍微 并 又 然后 看着你 看向你 望着你 看着我 对你 向你 朝你 "
    "说 说道 道 一会儿 几秒 中 露出 面带 带着 语气 表情 、 ，"
)
_HAN_CORE = (*_HAN_SURE, *_HAN_AMBIGUOUS)
_HAN_PIECES = sorted((*_HAN_CORE, *_HAN_FILLERS), key=len, reverse=True)
_HAN_PHRASE = re.compile(f"(?:{'|'.join(_HAN_PIECES)})+")

_FEELINGS: tuple[tuple[Emotion, re.Pattern[str]], ...] = (
    (
        "sad",
        re.compile(
            r"\b(?:sigh|sad|sob|cry|cries|tear|pout|sniffl|sorrow|wistful)|苦笑|叹|哭|泪|泣|哽|难过|伤心|悲伤|失落"
        ),
    ),
    (
        "happy",
        re.compile(
            r"\b(?:smil|laugh|chuckl|giggl|grin|beam|happ|glad|delight|warm|cheer|excit|amus|playful|bright|relief|enthus|joy)"
            r"|笑|哈哈|嘻嘻|呵呵|嘿嘿|开心|高兴|愉快|兴奋|欢快|热情|惊喜"
        ),
    ),
    ("surprised", re.compile(r"\b(?:gasp|surpris|disbelief)|惊讶|吃惊")),
    ("serious", re.compile(r"\b(?:serious|stern|solemn|firm|frown|earnest)|认真|严肃|皱")),
)


@dataclass(frozen=True, slots=True)
class Direction:
    """What a phrase directs; `is_sure` is false where it is one only beside a sentence, not within it."""

    emotion: Emotion | None
    is_sure: bool


def direction(phrase: str) -> Direction | None:
    """The direction that `phrase` (without its brackets or stars) is; None for any other words."""
    text = phrase.casefold().strip().rstrip(_FINAL)
    if not text or len(phrase) > MAX_CHARACTERS:
        return None
    if len(text) <= MAX_HAN and _HAN_PHRASE.fullmatch(text) and any(word in text for word in _HAN_CORE):
        return Direction(_feeling(text), any(word in text for word in _HAN_SURE))
    words = _SEPARATOR.split(text)
    if len(words) > MAX_WORDS or words[0] not in _OPENERS or not all(map(_is_known, words)):
        return None
    handles = not _HANDLING.isdisjoint(words) and not _PARTS.isdisjoint(words)
    is_mood = words[0] in ("with", "in") and not _MOODS.isdisjoint(words)
    if not handles and not is_mood and _CORE.isdisjoint(words):
        return None
    listed = "," in text and _FILLERS.isdisjoint(words)
    is_sure = (words[0] in _GESTURES and not listed) or (words[0] in _HANDLING and handles)
    return Direction(_feeling(text), is_sure)


def may_become_direction(begun: str) -> bool:
    """Whether a phrase of which this is the begin can still be a direction."""
    text = begun.casefold().strip().rstrip(_FINAL)
    if not text or len(begun) > MAX_CHARACTERS:
        return len(begun) <= MAX_CHARACTERS
    if text[0].isalpha() and any(piece.startswith(text[: len(piece)]) for piece in _HAN_PIECES):
        return len(text) <= MAX_HAN
    *whole, last = _SEPARATOR.split(text)
    if not whole:
        return any(word.startswith(last) for word in _OPENERS)
    return len(whole) < MAX_WORDS and whole[0] in _OPENERS and all(map(_is_known, whole))


def _is_known(word: str) -> bool:
    return word in _WORDS or _ADVERB.fullmatch(word) is not None


def _feeling(text: str) -> Emotion | None:
    """The last feeling that the phrase names: who laughs sadly is sad."""
    found: tuple[int, Emotion | None] = (-1, None)
    for emotion, names in _FEELINGS:
        for match in names.finditer(text):
            found = max(found, (match.end(), emotion), key=lambda one: one[0])
    return found[1]
