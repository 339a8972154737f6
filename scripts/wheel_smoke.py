"""Installs the wheel from dist/ outside the checkout, starts its server and asks it for health and page.

Third-party packages are borrowed from .venv, so that only the wheel itself is on trial. Models are not there:
the server must start without them.
"""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
import sysconfig
import tempfile
import time
import urllib.parse
from pathlib import Path
from typing import IO

from steps import ROOT, child_environment

START_SECONDS = 60
STOP_SECONDS = 30


def find_wheel() -> Path:
    wheels = sorted((ROOT / "dist").glob("opentalking-*.whl"))
    if len(wheels) != 1:
        sys.exit(f"dist/ holds {len(wheels)} wheels of opentalking, not one: run `make wheel`.")
    return wheels[0]


def install(wheel: Path, venv: Path) -> Path:
    """A virtual environment with the wheel alone, and .venv's packages behind it; returns its bin folder."""
    subprocess.run([sys.executable, "-m", "venv", venv], check=True, timeout=300)
    python = venv / "bin" / "python"
    environment = child_environment()
    command: list[str | Path] = [python, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", wheel]
    subprocess.run(command, check=True, env=environment, timeout=300)
    (site,) = venv.glob("lib/python3*/site-packages")
    # A folder named in a .pth file has its own .pth files ignored: the editable checkout stays out of sight.
    (site / "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n")
    script = "import opentalking, apps.cli.main as cli; print(opentalking.__file__, cli.__file__)"
    shown = subprocess.run(
        [python, "-c", script],
        check=True,
        capture_output=True,
        text=True,
        cwd=venv,
        env=environment,
        timeout=60,
    )
    strangers = [place for place in shown.stdout.split() if not place.startswith(str(site))]
    if strangers:
        sys.exit(f"not the wheel's own code: {strangers}")
    return venv / "bin"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def ask(port: int, path: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        reply = connection.getresponse()
        return reply.status, reply.read().decode("utf-8", errors="replace")
    finally:
        connection.close()


def wait_until_healthy(server: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and server.poll() is None:
        try:
            status, body = ask(port, "/healthz")
        except OSError:
            time.sleep(0.1)
            continue
        if (status, body.replace(" ", "")) == (200, '{"status":"ok"}'):
            return
        raise RuntimeError(f"/healthz answered {status} {body}")
    raise RuntimeError(f"the server was not healthy within {START_SECONDS} s (exit code {server.poll()})")


def check_page(port: int) -> None:
    status, page = ask(port, "/")
    if status != 200 or 'id="root"' not in page:
        raise RuntimeError(f"/ answered {status} {page[:200]}")
    script = page.split('src="', 1)[1].split('"', 1)[0]
    status, _ = ask(port, urllib.parse.urljoin("/", script))
    if status != 200:
        raise RuntimeError(f"{script} of the page answered {status}")
    status, avatars = ask(port, "/avatars")
    if status != 200 or "demo-avatar" not in avatars:
        raise RuntimeError(f"/avatars answered {status} {avatars[:200]}")


def stop(server: subprocess.Popen[bytes]) -> int:
    server.send_signal(signal.SIGTERM)
    try:
        return server.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()
        raise RuntimeError(f"the server did not stop within {STOP_SECONDS} s") from None


def try_server(programs: Path, home: Path, log: IO[bytes]) -> None:
    environment = {"PATH": f"{programs}{os.pathsep}{os.defpath}", "HOME": str(home)}
    program = str(programs / "opentalking")
    subprocess.run(
        [program, "--help"], check=True, stdout=log, stderr=log, cwd=home, env=environment, timeout=60
    )
    port = free_port()
    started = time.monotonic()
    command = [program, "serve", "--host", "127.0.0.1", "--port", str(port)]
    with subprocess.Popen(command, stdout=log, stderr=log, cwd=home, env=environment) as server:
        try:
            wait_until_healthy(server, port)
            print(f"healthy after {time.monotonic() - started:.1f} s", flush=True)
            check_page(port)
        finally:
            stop(server)


def main() -> int:
    wheel = find_wheel()
    with tempfile.TemporaryDirectory(prefix="opentalking-smoke-") as folder:
        home = Path(folder) / "home"
        home.mkdir()
        programs = install(wheel, Path(folder) / "venv")
        with (Path(folder) / "server.log").open("w+b") as log:
            try:
                try_server(programs, home, log)
            except (RuntimeError, OSError, subprocess.SubprocessError) as error:
                log.seek(0)
                print(log.read().decode("utf-8", errors="replace")[-4000:])
                print(f"{wheel.name} does not work outside the checkout: {error}")
                return 1
    print(f"{wheel.name} works outside the checkout")
    return 0


if __name__ == "__main__":
    sys.exit(main())
