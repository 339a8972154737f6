"""The set-up and check scripts, run as a newcomer or CI runs them."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPTS = ROOT / "scripts"


def run(*command: str | Path, cwd: Path = ROOT, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end with its output captured."""
    return subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def script(name: str, *words: str | Path, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """Run one of the Python scripts."""
    return run(sys.executable, SCRIPTS / name, *words, cwd=cwd)


def fake_python(path: Path, *, can_venv: bool, version: str = "3.11") -> Path:
    """An interpreter that only answers the questions of `scripts/setup`."""
    venv_code = 0 if can_venv else 1
    path.write_text(
        f'#!/bin/sh\ncase "$2" in *ensurepip*) exit {venv_code};; *print*) echo {version};; esac\n'
    )
    path.chmod(0o755)
    return path


def test_setup_names_the_package_of_a_missing_venv_module(tmp_path: Path) -> None:
    done = run(SCRIPTS / "setup", "prepare", PYTHON=str(fake_python(tmp_path / "py", can_venv=False)))
    assert done.returncode == 1
    assert "apt-get install python3.11-venv" in done.stderr


def test_setup_refuses_a_python_that_does_not_fit(tmp_path: Path) -> None:
    old = tmp_path / "old"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)
    done = run(SCRIPTS / "setup", "prepare", PYTHON=str(old))
    assert done.returncode == 1
    assert f"PYTHON={old} is not a working Python 3.11 or 3.12" in done.stderr


def test_setup_without_any_python_says_what_to_install(tmp_path: Path) -> None:
    copy = tmp_path / "checkout" / "scripts"
    copy.mkdir(parents=True)
    text = (
        (SCRIPTS / "setup")
        .read_text()
        .replace("/usr/bin/", "/nowhere/")
        .replace("/usr/local/bin/", "/nowhere/")
    )
    (copy / "setup").write_text(text)
    done = run(
        "/bin/sh", copy / "setup", "prepare", PATH=str(tmp_path), HOME=str(tmp_path), PYENV_ROOT=str(tmp_path)
    )
    assert done.returncode == 1
    assert "OpenTalking needs Python 3.11 or 3.12" in done.stderr


def test_setup_rejects_an_unknown_choice_of_voices() -> None:
    done = run(SCRIPTS / "setup", "check", LOCAL_VOICES="free", PYTHON=sys.executable)
    assert done.returncode == 1
    assert "LOCAL_VOICES=permissive" in done.stdout


def test_sizes_names_what_is_too_long(tmp_path: Path) -> None:
    body = "\n".join(f"    x{number} = {number}" for number in range(50))
    (tmp_path / "long.py").write_text(f"def much():\n{body}\n\n\ndef little():\n    pass\n")
    (tmp_path / "page.tsx").write_text("\n" * 401)
    done = script("sizes.py", tmp_path)
    assert done.returncode == 1
    assert done.stdout.splitlines() == [
        f"{tmp_path}/long.py:1: function much of 51 lines, at most 50",
        f"{tmp_path}/page.tsx:1: file of 401 lines, at most 400",
    ]


def test_sizes_accepts_what_fits(tmp_path: Path) -> None:
    (tmp_path / "short.py").write_text("def little() -> None:\n    pass\n")
    assert script("sizes.py", tmp_path).returncode == 0


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """An empty git repository."""
    assert run("git", "init", "--quiet", tmp_path).returncode == 0
    return tmp_path


@pytest.mark.parametrize(
    "line",
    [
        "--extra-index" + "-url https://example.org/wheels",
        '"resolved": ' + '"https://example.org/a.tgz"',
        "registry" + "=https://example.org",
        "see https://py" + "pi.org/project/x",
        "cp .." + "/shared/x .",
        "<<<<<<" + "< HEAD",
    ],
)
def test_hygiene_finds_what_does_not_belong(checkout: Path, line: str) -> None:
    (checkout / "file.txt").write_text(f"fine\n{line}\n")
    done = script("hygiene.py", cwd=checkout)
    assert done.returncode == 1
    assert "file.txt:2:" in done.stdout


def test_hygiene_passes_plain_files(checkout: Path) -> None:
    (checkout / "requirements.lock").write_text("numpy==2.4.6\n")
    (checkout / "picture.bin").write_bytes(b"\0--index" + b"-url")
    done = script("hygiene.py", cwd=checkout)
    assert (done.returncode, done.stdout) == (0, "2 files are clean\n")


def test_licences_tell_of_native_libraries_and_of_copyleft() -> None:
    done = script("licences.py")
    assert done.returncode == 0
    assert "x264 (in av): GPL-2.0-or-later" in done.stdout
    assert "  Apache-2.0: opentalking (this project)" in done.stdout
    assert "LGPL-2.1-or-later: soxr" in done.stdout
    assert "not stated" not in done.stdout


def test_locks_meet_every_requirement_without_addresses() -> None:
    for python in ("3.11", "3.12"):
        lines = (ROOT / "requirements" / f"python{python}.lock").read_text().splitlines()
        pins = [line for line in lines if not line.startswith("#")]
        assert len(pins) > 60
        assert all(pin.count("==") == 1 and "/" not in pin and "--hash" not in pin for pin in pins)


def test_generated_documents_are_current() -> None:
    done = script("generate_docs.py", "--check")
    assert (done.returncode, done.stdout) == (0, "")


@pytest.fixture
def web_checkout(tmp_path: Path) -> Path:
    """A checkout whose page is built by copying a file and noting that it was built."""
    shutil.copytree(SCRIPTS, tmp_path / "scripts", ignore=shutil.ignore_patterns("__pycache__"))
    # Node.js may be in our environment only.
    (tmp_path / ".venv").symlink_to(ROOT / ".venv")
    web = tmp_path / "apps" / "web"
    web.mkdir(parents=True)
    build = "mkdir -p dist && cp page.html dist/index.html && echo built >> ../../builds"
    manifest = {"name": "page", "version": "1.0.0", "private": True, "scripts": {"build": build}}
    (web / "package.json").write_text(json.dumps(manifest))
    lock = {"name": "page", "version": "1.0.0", "lockfileVersion": 3, "packages": {"": {"name": "page"}}}
    (web / "package-lock.json").write_text(json.dumps(lock))
    (web / "page.html").write_text("first")
    return tmp_path


def test_page_is_built_only_when_its_sources_changed(web_checkout: Path) -> None:
    def build() -> int:
        done = run(sys.executable, web_checkout / "scripts" / "build_web.py", cwd=web_checkout)
        assert done.returncode == 0, done.stdout + done.stderr
        return len((web_checkout / "builds").read_text().splitlines())

    page = web_checkout / "apps" / "web" / "page.html"
    assert build() == 1
    assert build() == 1
    page.write_text("second")
    assert build() == 2
    built = web_checkout / "apps" / "web" / "dist" / "index.html"
    assert built.read_text() == "second"
    built.unlink()
    assert build() == 3


def test_page_that_does_not_build_says_why_and_is_tried_again(web_checkout: Path) -> None:
    page = web_checkout / "apps" / "web" / "page.html"
    page.unlink()
    for _ in range(2):
        done = run(sys.executable, web_checkout / "scripts" / "build_web.py", cwd=web_checkout)
        assert done.returncode == 1
        assert "page.html" in done.stdout
        assert "The page does not build" in done.stdout
