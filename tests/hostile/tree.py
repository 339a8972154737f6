"""What lies on disk, to see that nothing was touched."""

import hashlib
from pathlib import Path

_DATABASES = (".sqlite3", ".sqlite3-wal", ".sqlite3-shm")


def snapshot(root: Path) -> dict[str, str]:
    """Every file and folder below `root`, with a digest of its content; databases by name only."""
    found = {}
    for path in sorted(root.rglob("*")):
        is_plain = path.is_file() and not path.name.endswith(_DATABASES)
        content = hashlib.sha256(path.read_bytes()).hexdigest() if is_plain else ""
        found[str(path.relative_to(root))] = content
    return found
