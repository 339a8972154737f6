"""Looks in the tracked files for what must not be there: package index addresses, places of one machine.

`hygiene.py [FOLDER]` checks the files that git tracks or would add; exits with 1 when it finds something.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

# Letters in brackets keep these patterns from finding themselves.
FORBIDDEN = (
    (r"--(extra-)?index-ur[l]|--find-link[s]", "an option that binds to one package index"),
    (r"\"resolved\":\s*\"https?:", "a download address in a lock file"),
    (r"registr[y]\s*=\s*\"?https?:", "a registry address"),
    (
        r"py[p]i\.org|python[h]osted\.org|npm[j]s\.(org|com)|(deb|security)\.[d]ebian\.org",
        "a registry's host name",
    ),
    (r"https?://(?!127\.|localhost)[^\s\"'<>]+/[s]imple\b", "a package index address"),
    (r"\.\./[s]hared\b|/wor[k]/|/[r]oot/", "a place outside the checkout"),
    (r"^(<{7}|>{7}) ", "a merge conflict marker"),
)
LARGEST_BYTES = 5_000_000
LARGE_ON_PURPOSE = {"opentalking/assets/models/smart_turn_v3.2.onnx": 8_700_000}
"""Networks that come with the project, so that a server without network has them."""


def tracked_files(folder: Path) -> list[Path]:
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout
    return [folder / name for name in listed.split("\0") if name and (folder / name).is_file()]


def findings(path: Path) -> list[str]:
    content = path.read_bytes()
    most = LARGE_ON_PURPOSE.get(path.as_posix(), LARGEST_BYTES)
    if len(content) > most:
        return [f"{path}: {len(content)} bytes, at most {most}"]
    if b"\0" in content[:8192]:
        return []
    lines = content.decode("utf-8", errors="replace").splitlines()
    return [
        f"{path}:{number}: {meaning}: {found[0]}"
        for number, line in enumerate(lines, start=1)
        for pattern, meaning in FORBIDDEN
        if (found := re.search(pattern, line))
    ]


def main() -> int:
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else ".")
    files = tracked_files(folder)
    found = [finding for path in files for finding in findings(path)]
    print("\n".join(found) or f"{len(files)} files are clean")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
