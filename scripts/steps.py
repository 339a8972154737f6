"""How a set-up step is announced, run, timed, remembered and, when it fails, explained."""

from __future__ import annotations

import contextlib
import hashlib
import os
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
STATE = ROOT / ".make"
VENV = ROOT / ".venv"
VENV_PYTHON = VENV / "bin" / "python"
LOG_LINES_SHOWN = 15


class StepFailedError(Exception):
    """A step did not succeed; the text is one sentence that says what to do."""


def say(text: str) -> None:
    print(text, flush=True)


def child_environment(**extra: str) -> dict[str, str]:
    """The caller's environment, less what would make a child of ours look outside `.venv`."""
    inherited = {
        name: value
        for name, value in os.environ.items()
        if name not in {"PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "__PYVENV_LAUNCHER__"}
    }
    return inherited | {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INPUT": "1", "PIP_USER": "0"} | extra


@contextlib.contextmanager
def step(title: str) -> Iterator[None]:
    """Announce `title` and print how long the block took."""
    say(f"==> {title}")
    started = time.monotonic()
    yield
    say(f"    done in {time.monotonic() - started:.1f} s")


def run(command: Sequence[str | Path], *, advice: str, environment: Mapping[str, str] | None = None) -> None:
    """Run a command of a step: live on a terminal, else into a log whose end is shown on failure.

    Raises StepFailedError with `advice` when it does not exit with 0.
    """
    environment = environment or child_environment()
    words = [str(word) for word in command]
    if sys.stdout.isatty():
        code = subprocess.run(words, cwd=ROOT, env=environment, check=False).returncode
        if code:
            raise StepFailedError(advice)
        return
    STATE.mkdir(exist_ok=True)
    log = STATE / "last-step.log"
    with log.open("wb") as sink:
        process = subprocess.run(
            words, cwd=ROOT, env=environment, check=False, stdin=subprocess.DEVNULL, stdout=sink, stderr=sink
        )
    if process.returncode:
        for line in log.read_text(errors="replace").splitlines()[-LOG_LINES_SHOWN:]:
            say(f"    | {line}")
        raise StepFailedError(f"{advice} (All of it: {log.relative_to(ROOT)})")


def digest(paths: Iterable[Path], *words: str) -> str:
    """SHA-256 over names and contents of files, and further words."""
    total = hashlib.sha256()
    for path in sorted(paths):
        total.update(f"{path.relative_to(ROOT)}\0".encode())
        total.update(hashlib.sha256(path.read_bytes()).digest())
    for word in words:
        total.update(f"{word}\0".encode())
    return total.hexdigest()


def remembered(name: str) -> str:
    """What the step `name` noted when it last succeeded, or the empty string."""
    try:
        return (STATE / name).read_text()
    except FileNotFoundError:
        return ""


def remember(name: str, value: str) -> None:
    """Note that step `name` succeeded; written whole or not at all."""
    STATE.mkdir(exist_ok=True)
    draft = STATE / f"{name}.draft"
    draft.write_text(value)
    draft.replace(STATE / name)


def forget(name: str) -> None:
    (STATE / name).unlink(missing_ok=True)
