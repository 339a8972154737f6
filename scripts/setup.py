"""Sets a checkout up, one remembered step after the other, and for `run` becomes the server.

Started by scripts/setup with a Python 3.11 or 3.12; uses nothing but the standard library. Each step notes
under .make what it was done for: a second call does only what changed, and an interrupted one goes on where
it stopped.
"""

from __future__ import annotations

import argparse
import ctypes
import fcntl
import json
import os
import platform
import shutil
import socket
import subprocess
import sys
import time
import tomllib
from pathlib import Path

from build_web import build_page, lock_file
from steps import (
    ROOT,
    STATE,
    VENV,
    VENV_PYTHON,
    StepFailedError,
    child_environment,
    digest,
    forget,
    remember,
    remembered,
    run,
    say,
    step,
)

GOALS = ("prepare", "run", "check", "test", "wheel")
DEVELOPER_GOALS = {"check", "test", "wheel"}
DEVELOPER_EXTRAS = ("test", "dev", "edge")
BUILD_BACKEND = ("hatchling", "editables")
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
DISK_NEEDED_GB = 3
OPENTALKING = VENV / "bin" / "opentalking"


def main() -> int:
    arguments, further = parse_arguments()
    os.chdir(ROOT)
    started = time.monotonic()
    try:
        with_lock(arguments.goal)
        if arguments.goal != "run":
            return 0
        check_port(arguments.host, arguments.port)
    except StepFailedError as failure:
        say(f"\n{failure}")
        return 1
    except KeyboardInterrupt:
        say("\nInterrupted; the next call goes on from here.")
        return 130
    waited_seconds = time.monotonic() - started
    if waited_seconds > 2:
        say(f"==> Ready after {waited_seconds:.0f} s; starting the server")
    serve(arguments.host, arguments.port, further)
    return 0


def parse_arguments() -> tuple[argparse.Namespace, list[str]]:
    """Our own arguments, and after `--` further ones of `opentalking serve`."""
    words = sys.argv[1:]
    border = words.index("--") if "--" in words else len(words)
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("goal", choices=GOALS)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    return parser.parse_args(words[:border]), words[border + 1 :]


def with_lock(goal: str) -> None:
    """Set up for `goal` while no other set-up of this checkout runs."""
    STATE.mkdir(exist_ok=True)
    with (STATE / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("Another set-up of this checkout is running; waiting for it.")
            fcntl.flock(lock, fcntl.LOCK_EX)
        set_up(goal)


def set_up(goal: str) -> None:
    extras = wanted_extras(goal)
    if goal == "test":
        check_browser()
    make_venv()
    install_packages(extras)
    show_licences()
    check_openmp(extras)
    build_page()
    if goal in {"prepare", "run", "test"}:
        pull_models(required=goal == "test")


def wanted_extras(goal: str) -> tuple[str, ...]:
    """The optional dependencies for a goal; `LOCAL_VOICES=permissive` leaves the GPL voice engine out."""
    voices = os.environ.get("LOCAL_VOICES", "")
    if voices not in {"", "all", "permissive"}:
        raise StepFailedError(f"LOCAL_VOICES={voices} is not known: use LOCAL_VOICES=permissive or nothing.")
    engines = ("local",) if voices == "permissive" else ("local", "piper")
    return engines + (DEVELOPER_EXTRAS if goal in DEVELOPER_GOALS else ())


def check_browser() -> None:
    if not any(shutil.which(name) for name in BROWSERS):
        raise StepFailedError(
            "The browser tests need Chromium: install it (Debian: sudo apt-get install chromium "
            "fonts-noto-cjk), then run this again."
        )


def make_venv() -> None:
    """Create .venv, or create it anew when it is incomplete or of another Python."""
    version = ".".join(platform.python_version_tuple()[:2])
    if remembered("venv") == version and VENV_PYTHON.exists():
        return
    if venv_works(version):
        remember("venv", version)
        return
    check_machine()
    with step(f"Python {version}: creating .venv"):
        for note in ("venv", "packages"):
            forget(note)
        # From inside .venv the interpreter it was made from is asked, since .venv is about to be emptied.
        base_python = getattr(sys, "_base_executable", None) or sys.executable
        run(
            [base_python, "-m", "venv", "--clear", VENV],
            advice=f"The virtual environment could not be created with {base_python}: name another Python "
            "with PYTHON=/path/to/python3.11, then run this again.",
        )
    remember("venv", version)


def venv_works(version: str) -> bool:
    """Whether a .venv that we know nothing of is of that Python and has pip."""
    if not VENV_PYTHON.exists():
        return False
    command = [str(VENV_PYTHON), "-m", "pip", "--version"]
    done = subprocess.run(command, env=child_environment(), capture_output=True, text=True, check=False)
    return done.returncode == 0 and f"(python {version})" in done.stdout


def check_machine() -> None:
    """Say early what would fail late."""
    if sys.platform != "linux" or platform.machine() != "x86_64":
        say(f"Note: made and tested on Linux x86-64, not on {sys.platform} {platform.machine()}.")
    elif " avx2 " not in Path("/proc/cpuinfo").read_text():
        say("Note: this processor has no AVX2; the built-in chat model needs it, other chat servers do not.")
    free_gb = shutil.disk_usage(ROOT).free / 1e9
    if free_gb < DISK_NEEDED_GB:
        raise StepFailedError(
            f"Only {free_gb:.1f} GB are free here and about {DISK_NEEDED_GB} GB are needed: make room, "
            "then run this again."
        )


def check_openmp(extras: tuple[str, ...]) -> None:
    """llama.cpp needs the system's OpenMP library, which minimal installations lack."""
    if "local" not in extras or sys.platform != "linux":
        return
    try:
        ctypes.CDLL("libgomp.so.1")
    except OSError:
        say("Note: libgomp is missing, which the built-in chat model needs: sudo apt-get install libgomp1")


def packages_key() -> str:
    """What the installed packages depend on: the lock and the dependency tables of pyproject.toml."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    tables = {name: project[name] for name in ("build-system", "project")}
    return digest([lock_file()], json.dumps(tables, sort_keys=True))


def installed_extras(key: str) -> set[str]:
    note = json.loads(remembered("packages") or "{}")
    if note.get("key") != key:
        return set()
    return set(note["extras"])


def install_packages(extras: tuple[str, ...]) -> None:
    """Install this checkout (editable) with `extras`, at the versions of the lock."""
    if not lock_file().exists():
        raise StepFailedError(f"requirements/{lock_file().name} is missing: clone the project again.")
    key = packages_key()
    before = installed_extras(key)
    unwanted_piper = "piper" not in extras and "piper" in before
    if before.issuperset(extras) and not unwanted_piper:
        return
    wanted = ",".join(sorted({*extras, *before} - ({"piper"} if unwanted_piper else set())))
    forget("packages")
    pip: list[str | Path] = [VENV_PYTHON, "-m", "pip"]
    advice = (
        "The Python packages could not be installed: check the network and the free disk space, then run "
        "this again; finished downloads are kept."
    )
    with step(f"Packages: installing opentalking[{wanted}] (the first time about 250 MB)"):
        if unwanted_piper:
            run([*pip, "uninstall", "--yes", "piper-tts"], advice=advice)
        run([*pip, "install", "--constraint", lock_file(), *BUILD_BACKEND], advice=advice)
        install = [*pip, "install", "--constraint", lock_file(), "--no-build-isolation"]
        run([*install, "--editable", f".[{wanted}]"], advice=advice)
    remember("packages", json.dumps({"key": key, "extras": wanted.split(",")}))


def show_licences() -> None:
    """Print the licence table once for a lock, with or without the GPL voice engine."""
    installed = json.loads(remembered("packages"))
    shown_for = f"{installed['key']} {'piper' in installed['extras']}"
    if remembered("licences") == shown_for:
        return
    command = [str(VENV_PYTHON), "scripts/licences.py"]
    if subprocess.run(command, env=child_environment(), check=False).returncode:
        raise StepFailedError("The licence table could not be made: run `make licences` to see why.")
    remember("licences", shown_for)


def pull_models(*, required: bool) -> None:
    """Get model files; without them the server still starts and says what is missing."""
    command = [str(OPENTALKING), "models", "pull", "--embedded"]
    code = subprocess.run(command, env=child_environment(), check=False).returncode
    if code == 0:
        return
    if required:
        raise StepFailedError("The models that the tests need are not complete: run `make models`.")
    say(
        "Some models are missing, so voice, ears or answers may not work yet: run `make models` when the "
        "network is there; finished downloads are kept."
    )


def check_port(host: str, port: int) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise StepFailedError(
                f"{host}:{port} cannot be used ({error.strerror}): choose another, as in make run PORT=9000."
            ) from error


def serve(host: str, port: int, further: list[str]) -> None:
    """Become the server; does not return."""
    command = [str(OPENTALKING), "serve", "--host", host, "--port", str(port), *further]
    os.execve(command[0], command, child_environment())  # noqa: S606  # make's signals reach the server itself


if __name__ == "__main__":
    sys.exit(main())
