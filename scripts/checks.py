"""Everything CI checks besides the tests; runs all checks, then names those that failed.

`checks.py` runs all; `checks.py types lint` runs those named.
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from steps import ROOT, VENV, child_environment

PYTHON = str(VENV / "bin" / "python")
LIMIT_SECONDS = 900


def tool(name: str, *words: str) -> list[str]:
    return [str(VENV / "bin" / name), *words]


CHECKS = {
    "format": tool("ruff", "format", "--check", "."),
    "lint": tool("ruff", "check", "."),
    "types": tool("mypy"),
    "script-types": tool(
        "mypy", "--config-file", "pyproject.toml", *map(str, sorted(Path("scripts").glob("*.py")))
    ),
    "example-types": tool("mypy", *map(str, sorted(Path("examples/python").glob("*.py")))),
    "imports": tool("lint-imports"),
    "sizes": [PYTHON, "scripts/sizes.py", "opentalking", "apps", "tests", "scripts", "artwork", "examples"],
    "hygiene": [PYTHON, "scripts/hygiene.py"],
    "dependencies": [PYTHON, "-m", "pip", "check"],
    "locks": [PYTHON, "scripts/lock.py", "--check"],
    "docs": [PYTHON, "scripts/generate_docs.py", "--check"],
    "drawings": [PYTHON, "scripts/draw_avatar.py", "--check"],
    "api": [PYTHON, "scripts/generate_api.py", "--check"],
    "web": [PYTHON, "scripts/build_web.py", "npm", "run", "check"],
}


def passes(name: str) -> bool:
    """Run one check; its output is shown only when it fails."""
    started = time.monotonic()
    done = subprocess.run(
        CHECKS[name],
        cwd=ROOT,
        env=child_environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=LIMIT_SECONDS,
    )
    verdict = "FAILED" if done.returncode else "ok"
    print(f"{name:<13} {verdict}  ({time.monotonic() - started:.1f} s)", flush=True)
    if done.returncode:
        print("\n".join(f"    {line}" for line in done.stdout.splitlines()), flush=True)
    return done.returncode == 0


def main() -> int:
    names = sys.argv[1:] or list(CHECKS)
    unknown = [name for name in names if name not in CHECKS]
    if unknown:
        sys.exit(f"no check is called {', '.join(unknown)}; there are {', '.join(CHECKS)}")
    failed = [name for name in names if not passes(name)]
    print(f"checks failed: {', '.join(failed)}" if failed else f"all {len(names)} checks passed")
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
