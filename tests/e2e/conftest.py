"""One server, one browser and one fake language model for all end-to-end tests that do not break them."""

import os
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import psutil
import pytest
import pytest_asyncio

from tests.support.avatars import quick_avatar, tinted_avatar
from tests.support.browser import Chromium, Visit
from tests.support.figures import Measured
from tests.support.listen import Listener
from tests.support.llm_server import FakeLlm
from tests.support.senses import DEMO_MOUTH
from tests.support.server import STEADY_VOICE, RunningServer, eventually

LLM_MODEL = "tiny-1"
_figures: dict[str, object] = {}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    # They share a browser and a server, so they share a loop; and come last, so that both end with them.
    here = Path(__file__).parent
    items.sort(key=lambda item: here in item.path.parents)
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest.fixture(scope="session")
def measured() -> Measured:
    """Notes a figure for the end of the report."""
    return _figures.__setitem__


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if _figures:
        terminalreporter.section(f"measured (load average {os.getloadavg()[0]:.1f})")
        for name, value in _figures.items():
            terminalreporter.write_line(f"{name}: {value}")


@pytest.fixture(autouse=True)
def no_leaked_threads_or_processes() -> Iterator[None]:
    """As everywhere, but the shared browser and servers may start and keep processes of their own."""
    threads = set(threading.enumerate())
    before = {child.pid for child in psutil.Process().children()}
    yield
    left = [
        child
        for child in psutil.Process().children()
        if child.pid not in before and child.status() != psutil.STATUS_ZOMBIE
    ]
    assert not left, f"processes left running: {left}"
    started = [thread for thread in threading.enumerate() if thread not in threads and not thread.daemon]
    left_threads = [thread for thread in started if not thread.name.startswith("asyncio_")]
    assert not left_threads, f"threads left running: {left_threads}"


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def shared_llm() -> AsyncIterator[FakeLlm]:
    async with FakeLlm() as llm:
        yield llm


@pytest.fixture
def llm(shared_llm: FakeLlm) -> FakeLlm:
    """The language model of the shared server, well-behaved again."""
    shared_llm.mode = "normal"
    shared_llm.answer = "Hello there. How are you?"
    shared_llm.requests.clear()
    shared_llm.started.clear()
    shared_llm.disconnected.clear()
    shared_llm.release.clear()
    return shared_llm


@pytest.fixture(scope="session")
def cache_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where all servers keep their encoded idle loops."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="session")
def base_settings(
    cache_dir: Path, models_dir: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, str]:
    """Settings of every server here; the language model must be added."""
    return {
        **STEADY_VOICE,
        "OPENTALKING_CACHE_DIR": str(cache_dir),
        "OPENTALKING_MODELS_DIR": str(models_dir),
        "OPENTALKING_DATA_DIR": str(tmp_path_factory.mktemp("data")),
        "OPENTALKING_LLM_PROVIDER": "openai_compatible",
        "OPENTALKING_LLM_MODEL": LLM_MODEL,
    }


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def server(
    base_settings: dict[str, str], shared_llm: FakeLlm, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[RunningServer]:
    """The shared server; whoever needs other settings or breaks it starts another one."""
    avatars = tmp_path_factory.mktemp("avatars")
    quick_avatar(avatars)
    tinted_avatar(avatars, "red-twin", (1.0, 0.55, 0.5))
    settings = {
        **base_settings,
        "OPENTALKING_LLM_BASE_URL": shared_llm.base_url,
        "OPENTALKING_AVATARS_DIR": str(avatars),
    }
    async with RunningServer(settings, tmp_path_factory.mktemp("server")) as server:
        yield server
        await eventually(lambda: server.media_sockets() == 0, "all media sockets closed")


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def chromium() -> AsyncIterator[Chromium]:
    async with Chromium() as chromium:
        yield chromium


@pytest_asyncio.fixture(loop_scope="session")
async def page(chromium: Chromium, server: RunningServer, llm: FakeLlm) -> AsyncIterator[Visit]:
    """A visitor who talks with the demo avatar; sound and mouth are being kept."""
    async with chromium.visit(server.url) as visit:
        await visit.live()
        await visit.listen()
        await visit.watch(DEMO_MOUTH)
        yield visit


@pytest.fixture(scope="session")
def listener(models_dir: Path) -> Listener:
    return Listener(models_dir / "whisper-base")
