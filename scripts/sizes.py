"""Keeps functions on one screen: files of at most 400 lines, classes of 200, functions of 50.

`sizes.py FOLDER_OR_FILE…` prints every violation as path:line and exits with 1 when there is one.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

FILE_LINES, CLASS_LINES, FUNCTION_LINES = 400, 200, 50
SUFFIXES = {".py", ".ts", ".tsx"}
LEFT_OUT = {"node_modules", "dist", "__pycache__"}
GENERATED = {"schema.d.ts"}


def source_files(places: list[Path]) -> Iterator[Path]:
    for place in places:
        candidates = [place] if place.is_file() else sorted(place.rglob("*"))
        for path in candidates:
            left_out = LEFT_OUT.intersection(path.parts) or path.name in GENERATED
            if path.suffix in SUFFIXES and path.is_file() and not left_out:
                yield path


def violations(path: Path) -> Iterator[str]:
    text = path.read_text(encoding="utf-8")
    lines = text.count("\n")
    if lines > FILE_LINES:
        yield f"{path}:1: file of {lines} lines, at most {FILE_LINES}"
    if path.suffix != ".py":
        return
    for node in ast.walk(ast.parse(text, str(path))):
        if isinstance(node, ast.ClassDef):
            kind, most = "class", CLASS_LINES
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            kind, most = "function", FUNCTION_LINES
        else:
            continue
        length = (node.end_lineno or node.lineno) - node.lineno + 1
        if length > most:
            yield f"{path}:{node.lineno}: {kind} {node.name} of {length} lines, at most {most}"


def main() -> int:
    places = [Path(word) for word in sys.argv[1:]]
    if not places:
        sys.exit("usage: sizes.py FOLDER_OR_FILE…")
    found = [violation for path in source_files(places) for violation in violations(path)]
    print("\n".join(found) or "every file, class and function fits its limit")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
