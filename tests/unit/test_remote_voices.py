"""Voices of services on the network, against local servers of their protocols and with the official SDKs."""

import asyncio
import gc
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from typing import Any

import dashscope
import edge_tts.communicate
import numpy as np
import pytest
from dashscope.audio.qwen_tts_realtime import QwenTtsRealtime, QwenTtsRealtimeCallback
from dashscope.audio.tts import SpeechSynthesizer as SambertSynthesizer
from dashscope.audio.tts_v2 import AudioFormat, SpeechSynthesizer

from opentalking.core.errors import InvalidInput, ProviderError
from opentalking.core.media import Speech
from opentalking.core.providers import TextToSpeech
from opentalking.providers.tts.remote.cosyvoice import CosyVoice, Sambert, TaskConfig
from opentalking.providers.tts.remote.edge import EdgeConfig, EdgeSpeech
from opentalking.providers.tts.remote.elevenlabs import ElevenLabs, ElevenLabsConfig
from opentalking.providers.tts.remote.openai_compatible import OpenAISpeech, OpenAISpeechConfig
from opentalking.providers.tts.remote.qwen import QwenConfig, QwenSpeech
from opentalking.providers.tts.remote.sound import AnySound, PcmDecoder, UnreadableSound, WavDecoder
from tests.support.vendors.speech import KEY, SECONDS_PER_CHARACTER, TONE_HZ, SpeechServices, encoded, tone

TEXT = "The river runs to the sea, 海."
Make = Callable[[SpeechServices, str], TextToSpeech]

MAKERS: dict[str, Make] = {
    "openai-wav": lambda s, key: OpenAISpeech(OpenAISpeechConfig(f"{s.http_url}/v1", key)),
    "openai-mp3": lambda s, key: OpenAISpeech(
        OpenAISpeechConfig(f"{s.http_url}/v1/", key, response_format="mp3")
    ),
    "openai-pcm": lambda s, key: OpenAISpeech(
        OpenAISpeechConfig(f"{s.http_url}/v1", key, response_format="pcm")
    ),
    "elevenlabs-mp3": lambda s, key: ElevenLabs(ElevenLabsConfig(key, s.http_url, voice="rachel")),
    "elevenlabs-pcm": lambda s, key: ElevenLabs(
        ElevenLabsConfig(key, s.http_url, voice="rachel", output_format="pcm_16000")
    ),
    "dashscope": lambda s, key: QwenSpeech(QwenConfig(key, service_url=f"{s.ws_url}/api-ws/v1/realtime")),
    "cosyvoice": lambda s, key: CosyVoice(TaskConfig(key, service_url=f"{s.ws_url}/api-ws/v1/inference")),
    "sambert": lambda s, key: Sambert(
        TaskConfig(key, "sambert-zhichu-v1", "", f"{s.ws_url}/api-ws/v1/inference")
    ),
    "edge": lambda s, key: EdgeSpeech(EdgeConfig()),
}
WITH_KEY = sorted(set(MAKERS) - {"edge"})


@pytest.fixture
async def services(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[SpeechServices]:
    async with SpeechServices() as services:
        monkeypatch.setattr(edge_tts.communicate, "WSS_URL", f"{services.ws_url}/edge/v1?x=1")
        yield services


async def said(speaker: TextToSpeech, text: str = TEXT, voice: str | None = None) -> list[Speech]:
    try:
        async with aclosing(speaker.speak(text, voice)) as pieces:
            return [piece async for piece in pieces]
    finally:
        await speaker.aclose()


def pitch(pcm: np.ndarray, rate: int) -> float:
    spectrum = np.abs(np.fft.rfft(pcm * np.hanning(len(pcm))))
    return float(np.argmax(spectrum) * rate / len(pcm))


@pytest.mark.parametrize("name", MAKERS)
async def test_a_sentence_arrives_whole_and_in_pieces(services: SpeechServices, name: str) -> None:
    speaker = MAKERS[name](services, KEY)
    assert speaker.ready() == ""
    pieces = await said(speaker)
    rate = pieces[0].sample_rate
    sound = np.concatenate([piece.pcm for piece in pieces])
    assert sound.dtype == np.int16
    # an MP3 encoder begins and ends with up to a tenth of a second of its own
    assert len(sound) / rate == pytest.approx(len(TEXT) * SECONDS_PER_CHARACTER, abs=0.12)
    assert pitch(sound, rate) == pytest.approx(TONE_HZ, abs=2)
    assert "".join(piece.text for piece in pieces) == TEXT
    assert [piece.ends_sentence for piece in pieces] == [False] * (len(pieces) - 1) + [True]
    assert len(pieces) > 5


UNNOTICED = {
    # raw PCM has no form that could be wrong
    ("junk", "openai-pcm"),
    ("junk", "elevenlabs-pcm"),
    # its package takes a broken connection for the end of the sentence
    ("drop", "edge"),
}
FAULTS = [
    (mode, name)
    for mode in ("refuse", "drop", "junk", "empty")
    for name in MAKERS
    if (mode, name) not in UNNOTICED
]


@pytest.mark.parametrize(("mode", "name"), FAULTS)
async def test_a_bad_service_is_told_and_not_spoken(services: SpeechServices, name: str, mode: str) -> None:
    services.mode = mode  # type: ignore[assignment]
    with pytest.raises(ProviderError) as failure:
        await said(MAKERS[name](services, KEY))
    assert failure.value.stage == "tts"
    assert failure.value.provider == MAKERS[name](services, KEY).name
    assert KEY not in failure.value.message
    assert (TEXT in failure.value.message) is (mode == "refuse" and name != "edge")
    assert TEXT not in failure.value.log_message, "the log would repeat it"


@pytest.mark.parametrize("name", WITH_KEY)
async def test_a_wrong_key_is_named_as_such(services: SpeechServices, name: str) -> None:
    with pytest.raises(ProviderError, match="refused the API key") as failure:
        await said(MAKERS[name](services, "sk-wrong"))
    assert "sk-wrong" not in failure.value.message


@pytest.mark.parametrize("name", MAKERS)
async def test_who_is_interrupted_leaves_at_once(services: SpeechServices, name: str) -> None:
    services.mode = "stall"
    speaker = MAKERS[name](services, KEY)
    async with aclosing(speaker.speak(TEXT)) as pieces:
        await anext(pieces)
        waiting = asyncio.ensure_future(anext(pieces))
        while not waiting.done() and not services.disconnected.is_set():
            done, _ = await asyncio.wait({waiting}, timeout=0.3)
            if not done:
                waiting.cancel()
                await asyncio.wait({waiting})
            else:
                waiting = asyncio.ensure_future(anext(pieces))
    await speaker.aclose()
    await asyncio.wait_for(services.disconnected.wait(), 5)


@pytest.mark.parametrize("name", [name for name in WITH_KEY if not name.startswith("openai")])
async def test_without_a_key_nobody_is_asked(services: SpeechServices, name: str) -> None:
    speaker = MAKERS[name](services, "")
    assert "OPENTALKING_TTS_" in speaker.ready()
    assert speaker.voices() == []
    with pytest.raises(ProviderError, match="OPENTALKING_TTS_"):
        await said(speaker)
    assert services.asked == []


async def test_what_is_asked_for(services: SpeechServices) -> None:
    openai = MAKERS["openai-wav"](services, KEY)
    async with aclosing(openai.speak(TEXT, "nova", "tts-1")) as pieces:
        assert [piece async for piece in pieces]
    await openai.aclose()
    await said(MAKERS["elevenlabs-mp3"](services, KEY), voice="a/../b?c")
    await said(MAKERS["dashscope"](services, KEY))
    await said(MAKERS["cosyvoice"](services, KEY), voice="clone-1")
    await said(MAKERS["sambert"](services, KEY))
    by_openai, by_elevenlabs, by_qwen, by_cosyvoice, by_sambert = services.asked
    assert by_openai == {"model": "tts-1", "voice": "nova", "input": TEXT, "response_format": "wav"}
    assert by_elevenlabs["voice"] == "a/../b?c"
    assert by_elevenlabs["model_id"] == "eleven_flash_v2_5"
    assert (by_qwen["model"], by_qwen["voice"], by_qwen["text"]) == (
        "qwen3-tts-flash-realtime",
        "Cherry",
        TEXT,
    )
    assert by_cosyvoice["parameters"]["voice"] == "clone-1"
    assert by_cosyvoice["text"] == TEXT
    assert (by_sambert["model"], by_sambert["text"]) == ("sambert-zhichu-v1", TEXT)


async def test_elevenlabs_needs_a_voice(services: SpeechServices) -> None:
    with pytest.raises(InvalidInput, match="OPENTALKING_TTS_ELEVENLABS_VOICE_ID"):
        await said(ElevenLabs(ElevenLabsConfig(KEY, services.http_url)))


async def test_a_service_that_is_not_there_is_told_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(edge_tts.communicate, "WSS_URL", "wss://127.0.0.1:9/edge/v1?x=1")
    with pytest.raises(ProviderError, match=r"127\.0\.0\.1:9") as failure:
        await said(EdgeSpeech(EdgeConfig()))
    assert "0x" not in failure.value.message


@pytest.mark.parametrize("step", [1, 7, 44, 1000])
@pytest.mark.parametrize("form", ["wav", "mp3"])
def test_sound_is_decoded_however_it_is_cut(form: str, step: int) -> None:
    pcm = tone("a" * 20, 22_050)
    data = encoded(pcm, 22_050, form)
    decoder = AnySound()
    parts = [decoder.feed(data[start : start + step]) for start in range(0, len(data), step)]
    sound = np.concatenate([*parts, decoder.flush()])
    assert decoder.rate == 22_050
    assert pitch(sound, 22_050) == pytest.approx(TONE_HZ, abs=2)
    if form == "wav":
        assert sound.tobytes() == pcm


def test_a_streamed_wav_does_not_know_its_length() -> None:
    data = bytearray(encoded(tone("abc", 16_000), 16_000, "wav"))
    data[4:8] = data[data.index(b"data") + 4 : data.index(b"data") + 8] = b"\xff\xff\xff\xff"
    assert WavDecoder().feed(bytes(data)).tobytes() == tone("abc", 16_000)


def test_stereo_is_mixed_and_half_samples_wait() -> None:
    decoder = PcmDecoder(8000, channels=2)
    assert [int(s) for b in (b"\x02\x00\x04", b"\x00\x06") for s in decoder.feed(b)] == [3]


@pytest.mark.parametrize(
    "data", [b"RIFF0000WAVEdata0000" + bytes(8), b"RIFF" + bytes(70_000), b"hello world, hello"]
)
def test_what_is_no_sound(data: bytes) -> None:
    decoder = AnySound()
    with pytest.raises(UnreadableSound):
        decoder.feed(data)


# -- the official SDKs, against the same servers: so the servers are right


class _Listener(QwenTtsRealtimeCallback):
    def __init__(self) -> None:
        self.kinds: list[str] = []
        self.finished = threading.Event()

    def on_event(self, message: Any) -> None:
        self.kinds.append(message["type"])
        if message["type"] == "session.finished":
            self.finished.set()


async def test_the_sdk_of_qwen_understands_our_server(
    services: SpeechServices, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dashscope, "api_key", KEY)
    listener = _Listener()

    def speak() -> None:
        client = QwenTtsRealtime("m", callback=listener, url=f"{services.ws_url}/api-ws/v1/realtime")
        client.connect()
        client.update_session(voice="Cherry", mode="commit")
        client.append_text(TEXT)
        client.commit()
        client.finish()
        assert listener.finished.wait(10)
        client.close()
        client.thread.join(10)

    await asyncio.to_thread(speak)
    assert services.asked[0]["text"] == TEXT
    assert listener.kinds.count("response.audio.delta") > 5


# They leave their socket to the garbage collector.
@pytest.mark.filterwarnings("ignore:Exception ignored.*socket:pytest.PytestUnraisableExceptionWarning")
async def test_the_sdks_of_cosyvoice_and_sambert_understand_our_server(
    services: SpeechServices, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"{services.ws_url}/api-ws/v1/inference"
    monkeypatch.setattr(dashscope, "api_key", KEY)
    monkeypatch.setattr(dashscope, "base_websocket_api_url", url)

    def by_cosyvoice() -> bytes:
        form = AudioFormat.PCM_24000HZ_MONO_16BIT
        sound: bytes = SpeechSynthesizer("cosyvoice-v3-flash", "longanyang", format=form, url=url).call(TEXT)
        return sound

    def by_sambert() -> bytes:
        answer = SambertSynthesizer.call("sambert-zhichu-v1", TEXT, format="pcm", sample_rate=16_000)
        sound: bytes = answer.get_audio_data()
        return sound

    assert await asyncio.to_thread(by_cosyvoice) == tone(TEXT, 24_000)
    assert await asyncio.to_thread(by_sambert) == tone(TEXT, 16_000)
    gc.collect()
