"""Writes openapi.json from the server's code, and from it the page's API types and docs/api.md.

`--check` writes nothing and exits with 1 when one of them is out of date.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from api_page import page
from build_web import WEB, run_npm
from steps import ROOT, VENV_PYTHON, child_environment, say

DOCUMENT = ROOT / "openapi.json"
PAGE = ROOT / "docs" / "api.md"
TYPES = WEB / "src" / "api" / "schema.d.ts"


def current_document(target: Path) -> str:
    command = [str(VENV_PYTHON), "-m", "apps.cli", "openapi", "--output", str(target)]
    done = subprocess.run(
        command, cwd=ROOT, env=child_environment(), capture_output=True, text=True, check=False, timeout=120
    )
    if done.returncode:
        sys.exit(f"`opentalking openapi` failed:\n{done.stderr}")
    return target.read_text(encoding="utf-8")


def current_types(document: Path, folder: Path) -> str:
    target = folder / "schema.d.ts"
    # A field with a default may be left out of a request; answers require what is always sent.
    options = ["--default-non-nullable=false", "--output", str(target)]
    words = ["exec", "--silent", "--", "openapi-typescript", str(document), *options]
    if run_npm(words):
        sys.exit("openapi-typescript failed (above)")
    return target.read_text(encoding="utf-8")


def write(path: Path, content: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")


def main() -> int:
    checking = "--check" in sys.argv[1:]
    stale = []
    with tempfile.TemporaryDirectory() as folder:
        document = Path(folder) / "openapi.json"
        text = current_document(document)
        types = current_types(document, Path(folder))
    contents = {DOCUMENT: text, TYPES: types, PAGE: page(json.loads(text))}
    for path, content in contents.items():
        if path.exists() and path.read_text(encoding="utf-8") == content:
            continue
        if checking:
            stale.append(str(path.relative_to(ROOT)))
        else:
            write(path, content)
            say(f"wrote {path.relative_to(ROOT)}")
    if stale:
        say(f"out of date: {', '.join(stale)}; run `make generate`")
    return int(bool(stale))


if __name__ == "__main__":
    sys.exit(main())
