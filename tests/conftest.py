"""Fixtures for all tests: nothing may be left behind, and where the model files are."""

import asyncio
import inspect
import threading
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import psutil
import pytest

from opentalking.settings import Environment


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if isinstance(item, pytest.Function) and inspect.iscoroutinefunction(item.function):
            item.fixturenames.insert(0, "no_leaked_tasks")


@pytest.fixture
async def no_leaked_tasks() -> AsyncIterator[None]:
    """Fail an async test that leaves tasks running when it and its fixtures are done."""
    before = asyncio.all_tasks()
    yield
    await asyncio.sleep(0)
    left = [
        task
        for task in asyncio.all_tasks() - before
        if not task.done() and task is not asyncio.current_task()
    ]
    assert not left, f"tasks left running: {left}"


@pytest.fixture(autouse=True)
def no_leaked_threads_or_processes(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail a test that leaves non-daemon threads or child processes (module fixtures may keep theirs)."""
    threads = set(threading.enumerate())
    children = {child.pid for child in psutil.Process().children(recursive=True)}
    yield
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline and (_new_threads(threads) or _new_children(children)):
        time.sleep(0.02)
    assert not _new_threads(threads), f"threads left running: {_new_threads(threads)}"
    assert not _new_children(children), f"processes left running: {_new_children(children)}"


def _new_threads(before: set[threading.Thread]) -> list[threading.Thread]:
    # The loop's default executor ("asyncio_N") ends with the loop, after the fixtures.
    return [
        thread
        for thread in threading.enumerate()
        if thread not in before and not thread.daemon and not thread.name.startswith("asyncio_")
    ]


def _new_children(before: set[int]) -> list[psutil.Process]:
    return [
        child
        for child in psutil.Process().children(recursive=True)
        if child.pid not in before and child.status() != psutil.STATUS_ZOMBIE
    ]


@pytest.fixture(scope="session")
def models_dir() -> Path:
    """Where `opentalking models pull` puts the model files; they must be there."""
    return Environment().settings.models_path
