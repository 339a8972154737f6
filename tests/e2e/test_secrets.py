"""What a server's log does not show at its most talkative: keys, tokens, and what people say."""

import json
from pathlib import Path

import aiohttp
import httpx

from tests.support.api_client import ApiSession
from tests.support.llm_server import KEY as LLM_KEY
from tests.support.llm_server import FakeLlm
from tests.support.rtc_client import RtcClient
from tests.support.server import RunningServer
from tests.support.vendors.speech import SpeechServices

API_KEY = "api-key-0f1e2d3c4b5a69788796"
TOKEN_SECRET = "token-secret-0123456789abcdefghijklmnop"  # noqa: S105 - made up
WRONG_KEY = "wrong-key-9876543210-of-somebody"
VENDOR_KEY = "vendor-key-5a6b7c8d9e0f"
NOBODY = "127.0.0.1:9"
PROXY_AUTHORIZATION = "Basic cHJveHktdXNlcjpwcm94eS1wYXNz"
COOKIE = "gateway-cookie-55aa55aa"
PERSONA = "You are Persimmon, a pirate."
PROMPT = "Where is the pomegranate buried?"
ANSWER = "Under the mulberry tree."
SPOKEN = "Rhubarb is not a fruit."
HEARD = "Gooseberries are sour."
REPEATING = ("repeating_refusal", "repeating_whole", "repeating_event", "repeating_junk")
QUERY = "quince-in-the-query"
SECRETS = (
    *(API_KEY, TOKEN_SECRET, WRONG_KEY, LLM_KEY, VENDOR_KEY, "cHJveHktdXNlcjpwcm94eS1wYXNz", COOKIE),
    *("Persimmon", "pomegranate", "mulberry", "Rhubarb", "Gooseberries", QUERY),
)


async def test_the_log_shows_no_secret_and_nothing_that_was_said(
    base_settings: dict[str, str], tmp_path: Path
) -> None:
    async with FakeLlm(ANSWER) as llm, SpeechServices("refuse") as voices:
        settings = {
            **base_settings,
            "OPENTALKING_LOG_LEVEL": "DEBUG",
            "OPENTALKING_API_KEYS": API_KEY,
            "OPENTALKING_API_TOKEN_SECRET": TOKEN_SECRET,
            "OPENTALKING_LLM_BASE_URL": llm.base_url,
            "OPENTALKING_LLM_API_KEY": LLM_KEY,
            "OPENTALKING_TTS_ELEVENLABS_API_KEY": VENDOR_KEY,
            "OPENTALKING_TTS_ELEVENLABS_BASE_URL": f"http://{NOBODY}",
            "OPENTALKING_TTS_ELEVENLABS_VOICE_ID": "rachel",
            "OPENTALKING_TTS_DASHSCOPE_API_KEY": VENDOR_KEY,
            "OPENTALKING_TTS_DASHSCOPE_SERVICE_URL": f"ws://{NOBODY}",
            "OPENTALKING_TTS_OPENAI_BASE_URL": f"{voices.http_url}/v1",
            "OPENTALKING_TTS_OPENAI_API_KEY": VENDOR_KEY,
            "OPENTALKING_TTS_FALLBACK": "none",
            "OPENTALKING_STT_OPENAI_API_KEY": VENDOR_KEY,
        }
        async with RunningServer(settings, tmp_path) as server:
            tokens = await use_everything(server, llm)
        log = "\n".join(
            [*server.output, *(json.dumps(record, ensure_ascii=False) for record in server.records)]
        )
        assert llm.requests[-1].headers["Authorization"] == f"Bearer {LLM_KEY}", "the key was in use"
        assert any(PERSONA in content for _, content in llm.requests[-1].messages)
        assert any(record["level"] == "debug" for record in server.records), (
            "the log is at its most talkative"
        )
        errors = [record["error"] for record in server.records if record["event"] == "turn error"]
        assert any("openai_compatible: refused the API key (401)" in error for error in errors)
        assert any("refused the request (400)" in error for error in errors)
        assert any(record["event"] == "request" and record["status"] == 401 for record in server.records)
        for secret in (*SECRETS, *tokens):
            lines = [line for line in log.split("\n") if secret in line]
            assert not lines, lines[:3]


async def use_everything(server: RunningServer, llm: FakeLlm) -> list[str]:
    """Talk, fail, and show keys and tokens in all the ways there are; the tokens."""
    shown = {"X-API-Key": API_KEY, "Proxy-Authorization": PROXY_AUTHORIZATION, "Cookie": COOKIE}
    async with httpx.AsyncClient(base_url=server.url, headers=shown, timeout=20) as client:
        wanted = {"avatar_id": "demo-avatar", "model": "portrait", "llm_system_prompt": PERSONA}
        for provider in ("elevenlabs", "dashscope"):
            refused = await client.post("/tts/preview", json={"text": "hi", "tts_provider": provider})
            assert refused.status_code == 502
        made_session = await client.post("/sessions", json=wanted)
    session = ApiSession(server.url, session_id=made_session.json()["session_id"])
    session.http.headers.update(shown)
    async with session, RtcClient() as peer:
        await session.connect(peer)
        made = [
            (await session.http.post("/auth/token", json=body)).json()["access_token"]
            for body in ({"session_id": session.id}, {})
        ]
        token, other = made
        await session.ended(await session.chat(PROMPT))
        await session.ended(await session.speak(SPOKEN))
        failed = await session.event("error", await session.speak(SPOKEN, tts_provider="openai_compatible"))
        assert SPOKEN in failed.data["message"], "the voice service repeats what it does not say"
        for mode in ("unauthorized", "error_event", "html", *REPEATING):
            llm.mode = mode
            failed = await session.event("error", await session.chat(PROMPT))
            assert (PROMPT in failed.data["message"]) is (mode in REPEATING)
        for body in ({"text": HEARD}, {"text": HEARD, "voice": QUERY}, {"text": [HEARD]}):
            await session.http.post("/tts/preview", json=body)
        await show_credentials(server.url, session.id, token, other)
    return [part for token in made for part in token.split(".")]


async def show_credentials(url: str, session_id: str, token: str, other: str) -> None:
    async with httpx.AsyncClient(base_url=url) as client:
        for credential in (WRONG_KEY, API_KEY, other):
            for headers in ({"Authorization": f"Bearer {credential}"}, {"X-API-Key": credential}):
                await client.get("/avatars", headers=headers, params={"word": QUERY})
            await client.get(f"/nothing/{session_id}", params={"access_token": credential, "word": QUERY})
        await client.get("/healthz")  # written down at DEBUG only
        await client.post("/auth/token", headers={"Authorization": f"Bearer {token}"})
        assert (
            await client.get(f"/sessions/{session_id}", params={"access_token": token})
        ).status_code == 200
        await client.post("/tts/preview", content=HEARD.encode(), params={"access_token": other})
    async with aiohttp.ClientSession(url) as browser:
        for query in (f"?access_token={token}", f"?access_token={WRONG_KEY}&word={QUERY}"):
            try:
                async with browser.ws_connect(f"/sessions/{session_id}/speak_audio_stream{query}") as socket:
                    await socket.send_json({"type": "config", "word": QUERY})
                    await socket.receive()
            except aiohttp.WSServerHandshakeError:
                pass
