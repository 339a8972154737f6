"""English and Chinese as they are heard at the other end of the connection, from the Kokoro voices."""

import asyncio
import re
from collections.abc import Sequence

import numpy as np

from tests.support.api_client import ApiSession
from tests.support.figures import Measured
from tests.support.listen import Listener, character_error_rate, word_error_rate
from tests.support.rtc_client import RtcClient
from tests.support.server import RunningServer

CHINESE = (
    "请问你需要什么帮助？我可以回答你的问题。",
    "如果明天下雨，我们就在家里休息。",
    "昨天晚上，我和朋友一起看了一部电影。",
)
ENGLISH = (
    "Hello, how can I help you today?",
    "The quick brown fox jumps over the lazy dog near the river bank.",
    "Please send me the report by Friday afternoon, and I will review it over the weekend.",
    "Yesterday we travelled to London by train because the weather was too bad for flying.",
    "A talking avatar needs clear speech, natural timing and very low latency.",
)
MIXED = "我们明天下午用 Python 写一个新的程序。"
RATE = 48_000
SILENT = 100.0
TURN_SECONDS = 90.0


async def heard(
    session: ApiSession, client: RtcClient, listener: Listener, text: str, voice: str, language: str
) -> str:
    """What a listener understands of `text`, as it arrived."""
    begin = len(client.sound)
    await session.ended(await session.speak(text, voice=voice), TURN_SECONDS)
    count = len(client.sound)
    await client.until(lambda: len(client.sound) > count + 25)  # what the jitter buffer still holds
    loud = [at for at in range(begin, len(client.sound)) if client.sound[at].level > SILENT]
    assert loud, "nothing was heard"
    chunks = [sound.samples for sound in client.sound[max(0, loud[0] - 10) : loud[-1] + 10]]
    samples = np.concatenate(chunks).astype(np.float32) / np.float32(32768)
    return await asyncio.to_thread(listener.transcribe, samples, RATE, language)


async def listen(
    server: RunningServer, listener: Listener, turns: Sequence[tuple[str, str]], language: str
) -> list[str]:
    async with ApiSession(server.url) as session, RtcClient(keep_pictures=False) as client:
        await session.connect(client)
        return [await heard(session, client, listener, text, voice, language) for text, voice in turns]


async def test_chinese_is_understood(server: RunningServer, listener: Listener, measured: Measured) -> None:
    voices = ("zf_xiaoxiao", "zm_yunxi", "zf_xiaoxiao")
    found = await listen(server, listener, list(zip(CHINESE, voices, strict=True)), "zh")
    rate = character_error_rate(list(CHINESE), found)
    measured("Chinese character error rate over WebRTC", round(rate, 3))
    assert rate <= 0.15, found


async def test_english_is_understood(server: RunningServer, listener: Listener, measured: Measured) -> None:
    voices = ("af_heart", "am_michael", "af_heart", "am_michael", "af_heart")
    found = await listen(server, listener, list(zip(ENGLISH, voices, strict=True)), "en")
    rate = word_error_rate(list(ENGLISH), found)
    measured("English word error rate over WebRTC, Kokoro", round(rate, 3))
    assert rate <= 0.15, found


async def test_two_languages_in_one_sentence_come_from_one_voice(
    server: RunningServer, listener: Listener
) -> None:
    async with ApiSession(server.url) as session, RtcClient(keep_pictures=False) as client:
        await session.connect(client)
        text = await heard(session, client, listener, MIXED, "zf_xiaoxiao", "zh")
        wanted = [MIXED.replace(" Python ", "")]
        # Whisper may write the English word in either script.
        plain = re.sub(r"(?<=用).{1,8}?(?=写)", "", re.sub(r"[a-zA-Z ]+", "", text))
        assert character_error_rate(wanted, [plain]) <= 0.2, text
        [caption] = [
            event for event in session.events if event.label == "subtitle.chunk" and event.data["words"]
        ][:1]
        words = [word["text"] for word in caption.data["words"]]
        assert words == [*"我们明天下午用", "Python", *"写一个新的程序"]
