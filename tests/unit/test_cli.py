"""The command line, run as people run it."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

import opentalking


def run(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], "HOME": os.environ["HOME"], **variables}
    command = [sys.executable, "-m", "apps.cli", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment, check=False)


def test_version_and_help() -> None:
    assert run("--version").stdout.strip() == opentalking.__version__
    shown = run("--help").stdout
    for command in ("serve", "worker", "doctor", "models", "avatar", "bench", "openapi"):
        assert command in shown


def test_openapi_is_written(tmp_path: Path) -> None:
    path = tmp_path / "doc.json"
    assert run("openapi", "--output", str(path)).returncode == 0
    assert '"/sessions/{session_id}/chat"' in path.read_text()


def test_doctor_names_what_is_missing_and_how_to_get_it(tmp_path: Path) -> None:
    result = run("doctor", OPENTALKING_DATA_DIR=str(tmp_path), OPENTALKING_API_PORT="0")
    assert result.returncode == 0, result.stderr
    assert "opentalking models pull --embedded" in result.stdout
    assert "local: cannot listen" in result.stdout
    assert "local: ready" in result.stdout


def test_models_are_listed_with_their_state(tmp_path: Path) -> None:
    lines = run("models", "list", "--dir", str(tmp_path)).stdout.splitlines()
    assert lines
    assert all(line.startswith("missing") for line in lines)


def test_shipped_avatars_are_listed() -> None:
    assert "demo-avatar" in run("avatar", "list").stdout


@pytest.mark.parametrize(
    ("arguments", "variables", "message"),
    [
        (("serve",), {"OPENTALKING_API_PORT": "no"}, "OPENTALKING_API_PORT"),
        (("serve", "--speak-mode", "sing"), {}, "OPENTALKING_SPEAK_MODE"),
        (("serve",), {"OPENTALKING_REDIS_MODE": "redis"}, "not built yet"),
        (("worker",), {}, "opentalking serve"),
        (("models", "pull"), {}, "--embedded"),
    ],
)
def test_mistakes_are_one_line_that_names_the_remedy(
    arguments: tuple[str, ...], variables: dict[str, str], message: str
) -> None:
    result = run(*arguments, **variables)
    assert result.returncode == 2
    assert message in result.stderr
    assert "Traceback" not in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1


def test_a_taken_port_is_said(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        result = run("serve", "--host", "127.0.0.1", "--port", port, OPENTALKING_DATA_DIR=str(tmp_path))
    assert result.returncode == 2
    assert port in result.stderr
    assert "Traceback" not in result.stderr
