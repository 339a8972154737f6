"""What the training voices say: a small grammar's sentences, lists of words, Chinese sentences and syllables.

All sentences are our own. Bilabials (p b m) meet every vowel because the words were picked so.
"""

import random
from collections.abc import Sequence

SUBJECTS = (
    "my mother|the baker|a poor man|both boys|some people|the big bear|our neighbour|the young woman|every member"
    "|nobody|the captain|a famous painter|the mayor of the village|his brother Tom|her uncle Abraham|the old farmer"
    "|a small group of students|the bus driver|that company|the woman with the umbrella|my favourite team|Pamela"
    "|the boy from the coffee shop|a friend of mine|the whole family|the museum|this old machine|the president"
    "|Sir William|the good doctor|Rebecca|their father|the lady next door|each of them|the orchestra|a stranger"
).split("|")
VERBS = (
    "bought|painted|found|brought back|put away|remembered|forgot|wrapped up|described|built|broke|moved"
    "|picked up|dropped|hoped for|asked about|liked|saw|wanted|needed|was looking for|had never seen|could not believe"
    "|will probably bring|may have sold|should have kept|used to admire|complained about|thought about|dreamed of"
    "|promised him|took pity on|borrowed|always preferred|gave us|left behind|would not part with"
).split("|")
OBJECTS = (
    "the blue umbrella|a piece of apple pie|the morning paper|five pairs of boots|a beautiful poem|the empty bottle"
    "|some bread and butter|a map of Bombay|the smooth pebble|a bag of peppers|the broken window|an old photograph"
    "|the football match|their private opinion|a cup of camomile tea|the top of the mountain|a purple pullover"
    "|the problem with the computer|a very thin thread|three thousand things|the judge's version|the yellow jersey"
    "|much more money than before|a fresh loaf|the voice on the telephone|a handsome fortune|the law of the land"
    "|a good book|the boathouse|an hour of peace|the oil painting|a share of the property|the shape of the garage"
    "|a few vegetables|the other half of the cake|my warm gloves|a wolf|the usual nonsense|a measure of pleasure"
).split("|")
TAILS = (
    "before the summer|in the middle of the room|by the harbour|because of the rain|last November|at half past five"
    "|with both hands|for the first time|from the bottom of the box|under the bridge|without a map|near the airport"
    "|when the weather became warmer|but it was too late|and nobody noticed|as soon as possible|for about an hour"
    "|on the way home|though he knew better|after the funeral|at the end of the year|if you ask me|in the north"
    "|which was a pity|to everybody's surprise|while the music was playing|until the bell rang|in spite of it all"
).split("|")
SMALL_TALK = (
    "Hello, how can I help you today?|Thank you very much, that is perfect.|Well, maybe we should meet up tomorrow."
    "|I beg your pardon?|What a wonderful surprise!|Please remember to bring your passport.|No, not at all."
    "|Oh, I am so sorry about that.|It might be possible, but I would not bet on it.|Where have you been all week?"
    "|Good morning everybody, and welcome back.|You may pay by card or in cash.|Could you repeat the number, please?"
    "|Seven, eight, nine, ten, eleven, twelve, thirteen.|Why not? Let us give it a try.|Of course you are right."
    "|The temperature will rise above zero.|Mm, I see what you mean.|Sure, go ahead and press the big button."
    "|That is what the whole thing was about.|She said that she would be there, and there she was."
    "|Our neighbour plays the trumpet badly but loudly.|Both films were about robots and bees."
    "|The oven is warm, the bread is not.|It was, by and large, a comfortable arrangement."
    "|I have always thought so, and I will always think so.|Who else would have been able to do it?"
    "|Much was said, and little was done."
).split("|")
CHINESE = (
    "你好，很高兴见到你。|请问今天有什么可以帮您？|妈妈买了八个苹果和一瓶牛奶。|爸爸每天早上跑步半个小时。|我们明天去爬山，好不好？"
    "|这本书比那本便宜一百块。|北京的冬天非常冷，常常刮风。|他把门慢慢地关上了。|谢谢你的帮助，我非常感动。|别忘了带上你的护照和机票。"
    "|面包和蛋糕都在冰箱里面。|朋友们一边唱歌一边跳舞。|老师批评了迟到的学生。|她的梦想是当一名医生。|公园里面有很多漂亮的花。"
    "|火车晚点了半个钟头。|我不明白你说的是什么意思。|请把电视的声音调小一点儿。|秋天的风吹过安静的湖面。|小猫趴在木板上面睡觉。"
    "|飞机什么时候起飞？|分不清方向的时候，可以问警察。|服务员，麻烦再来一份米饭。|图书馆的旁边有一家咖啡馆。|这条鱼又新鲜又便宜。"
    "|鱼和雨的声调不一样。|女儿去旅行了，下个月才回来。|月亮慢慢地从云里面露出来。|我喜欢喝绿茶，不喜欢喝咖啡。|他说话说得太快了。"
    "|四十四只石狮子。|知识就是力量。|吃葡萄不吐葡萄皮。|请输入您的手机号码。|没关系，慢慢来，不用着急。|欢迎大家收看今天的节目。"
    "|人工智能正在改变我们的生活。|对不起，我没有听清楚，请再说一遍。|春天来了，树木都发芽了。|我不怕困难，只怕没有目标。|广播里面播放着美妙的音乐。"
    "|门票多少钱一张？|爬坡的时候，膝盖有一点儿疼。|这部电影我看过两遍。|买卖公平，不骗客人。|波浪拍打着白色的沙滩。"
).split("|")
INITIALS = "b p m f d t n l g k h j q x zh ch sh r z c s".split()
FINALS = {
    "bpm": "a o ai ei ao an en ang eng i ie iao ian in ing u".split(),
    "f": "a o ei ou an en ang eng u".split(),
    "dtnl": "a e ai ao ou an ang eng i ie iao ian ing ong u uo uan".split(),
    "gkh": "a e ai ao ou an en ang eng ong u ua uo uai ui uan un uang".split(),
    "jqx": "i ia ie iao iu ian in iang ing iong u ue uan un".split(),
    "zhchsh": "i a e ai ao ou an en ang eng u uo ui uan un".split(),
    "r": "i e ao ou an en ang eng ong u uo ui uan un".split(),
}
"""Pinyin finals by the initials that they follow."""


def _finals_after(initial: str) -> Sequence[str]:
    if initial in {"zh", "ch", "sh", "z", "c", "s"}:
        return FINALS["zhchsh"]
    return next(finals for initials, finals in FINALS.items() if initial in initials)


def english(rng: random.Random, words: Sequence[str]) -> str:
    """One line to say: a sentence, small talk, or a list of words of the lexicon."""
    kind = rng.random()
    if kind < 0.52:
        parts = [rng.choice(SUBJECTS), rng.choice(VERBS), rng.choice(OBJECTS)]
        parts += rng.sample(TAILS, rng.choice((0, 1, 1, 2)))
        sentence = " ".join(parts)
        return sentence[0].upper() + sentence[1:] + rng.choice(("..", "?", "!", "."))[0]
    if kind < 0.62:
        return rng.choice(SMALL_TALK)
    count = rng.randint(5, 9)
    chosen = [rng.choice(words) for _ in range(count)]
    for at in range(1, count - 1, rng.choice((2, 3, 4))):
        chosen[at] += ","
    return " ".join(chosen) + "."


def chinese_syllables(rng: random.Random) -> list[list[str]]:
    """Random words of one to three pinyin syllables with tone numbers."""

    def syllable() -> str:
        initial = rng.choice(INITIALS)
        return f"{initial}{rng.choice(_finals_after(initial))}{rng.choice((1, 2, 3, 4, 4, 5))}"

    return [[syllable() for _ in range(rng.choice((1, 2, 2, 2, 3)))] for _ in range(rng.randint(4, 8))]
