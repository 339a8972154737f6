"""The file of cloned voices: made, updated, refused; written by many at once."""

import json
import re
import sqlite3
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from apps.unified.container import build
from opentalking.catalog.voice_schema import MIGRATIONS
from opentalking.catalog.voices import CatalogError, Clone, NewClone, VoiceCatalog
from opentalking.core.errors import Unavailable
from opentalking.settings import Environment

AMY = NewClone("dashscope", "voice-1", "Amy", "model-1", "stated")
ROOT = Path(__file__).parents[2]
SUFFIXED = re.compile(r"Amy-\d{8}-\d{6}-\d{3}")
OLD_TABLES = """
    CREATE TABLE users (id INTEGER PRIMARY KEY, label TEXT DEFAULT 'default');
    INSERT INTO users VALUES (1, 'default');
    CREATE TABLE tts_voice_entries (
        id INTEGER PRIMARY KEY AUTOINCREMENT, user_id INTEGER NOT NULL DEFAULT 1 REFERENCES users (id),
        provider TEXT NOT NULL, voice_id TEXT NOT NULL, display_label TEXT NOT NULL, target_model TEXT NULL,
        source TEXT NOT NULL, created_at TEXT DEFAULT CURRENT_TIMESTAMP);
    CREATE INDEX voices_of_user ON tts_voice_entries (user_id, provider);
    INSERT INTO tts_voice_entries (id, provider, voice_id, display_label, target_model, source) VALUES
        (101, 'dashscope', 'Cherry', 'Cherry', NULL, 'system'),
        (310, 'cosyvoice', 'v-310', 'Amy', 'm', 'clone'),
        (311, 'cosyvoice', 'v-311', 'Amy', 'm', 'clone'),
        (312, 'cosyvoice', 'v-312', 'Amy', NULL, 'clone');
"""


def made(path: Path) -> VoiceCatalog:
    catalog = VoiceCatalog(path)
    catalog.prepare()
    return catalog


def execute(path: Path, script: str) -> None:
    with closing(sqlite3.connect(path)) as database:
        database.executescript(script)


def version(path: Path) -> int:
    with closing(sqlite3.connect(path)) as database:
        [found] = database.execute("PRAGMA user_version").fetchone()
    return int(found)


def test_a_new_file_counts_clones_from_310_and_keeps_them(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "voices.sqlite3"
    catalog = made(path)
    first = catalog.add(AMY)
    assert first == Clone(310, 1, "dashscope", "voice-1", "Amy", "model-1", "stated", first.created_at)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", first.created_at)
    assert made(path).get(310) == first, "opened again"
    assert version(path) == len(MIGRATIONS)
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_numbers_are_never_given_twice(tmp_path: Path) -> None:
    catalog = made(tmp_path / "v")
    assert catalog.add(AMY).id == 310
    assert catalog.remove(310)
    assert not catalog.remove(310)
    assert catalog.get(310) is None
    assert catalog.add(AMY).id == 311


def test_clones_of_one_provider_or_of_all(tmp_path: Path) -> None:
    catalog = made(tmp_path / "v")
    for provider in ("dashscope", "cosyvoice", "dashscope"):
        catalog.add(NewClone(provider, "v", "Amy", "m", "not stated"))
    assert [clone.provider for clone in catalog.clones()] == ["dashscope", "cosyvoice", "dashscope"]
    assert [clone.id for clone in catalog.clones("dashscope")] == [310, 312]
    assert catalog.clones("nobody") == []


def test_a_taken_label_gets_the_time_unless_provider_or_model_differ(tmp_path: Path) -> None:
    catalog = made(tmp_path / "v")
    first, second = catalog.add(AMY), catalog.add(AMY)
    assert first.display_label == "Amy"
    assert SUFFIXED.fullmatch(second.display_label)
    other_model = NewClone("dashscope", "v", "Amy", "model-2", "stated")
    other_provider = NewClone("cosyvoice", "v", "Amy", "model-1", "stated")
    assert catalog.add(other_model).display_label == catalog.add(other_provider).display_label == "Amy"


def test_labels_that_are_taken_in_the_same_instant_differ_too(tmp_path: Path) -> None:
    noon = datetime(2026, 11, 26, 12, 0, 0, 999_000, UTC)
    catalog = VoiceCatalog(tmp_path / "v", lambda: noon)
    catalog.prepare()
    labels = [catalog.add(AMY).display_label for _ in range(3)]
    assert labels == ["Amy", "Amy-20261126-120000-999", "Amy-20261126-120001-000"]


def test_the_file_itself_refuses_equal_labels(tmp_path: Path) -> None:
    path = tmp_path / "v"
    made(path).add(AMY)
    insert = (
        "INSERT INTO tts_voice_entries (provider, voice_id, display_label, target_model, source) "
        "VALUES ('dashscope', 'x', 'Amy', 'model-1', '{}')"
    )
    execute(path, insert.format("system"))
    with pytest.raises(sqlite3.IntegrityError, match="clone_labels"):
        execute(path, insert.format("clone"))


WRITER = """
import json, sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from opentalking.catalog.voices import NewClone, VoiceCatalog

catalog = VoiceCatalog(Path(sys.argv[1]))
catalog.prepare()  # all make the file at the same time
with ThreadPoolExecutor(4) as threads:
    made = threads.map(catalog.add, [NewClone("dashscope", "v", "Amy", "m", "stated")] * 12)
    print(json.dumps([clone.display_label for clone in made]))
"""


def test_labels_stay_apart_when_threads_and_processes_write_at_once(tmp_path: Path) -> None:
    path = tmp_path / "v"

    def write(_number: int) -> list[str]:
        done = subprocess.run(
            [sys.executable, "-c", WRITER, str(path)], cwd=ROOT, capture_output=True, check=False, text=True
        )
        assert done.returncode == 0, done.stderr
        labels: list[str] = json.loads(done.stdout)
        return labels

    with ThreadPoolExecutor(3) as processes:
        labels = [label for found in processes.map(write, range(3)) for label in found]
    assert len(labels) == 36
    assert [label for label, count in Counter(labels).items() if count > 1] == []
    assert labels.count("Amy") == 1
    assert all(SUFFIXED.fullmatch(label) for label in labels if label != "Amy")
    assert sorted(clone.display_label for clone in VoiceCatalog(path).clones()) == sorted(labels)


@pytest.mark.parametrize("old_version", [0, 1])
def test_the_first_version_and_the_files_of_other_servers_are_brought_up(
    tmp_path: Path, old_version: int
) -> None:
    path = tmp_path / "v"
    execute(path, f"{OLD_TABLES}; PRAGMA user_version = {old_version}")
    catalog = made(path)
    labels = {
        clone.id: (clone.display_label, clone.target_model, clone.consent) for clone in catalog.clones()
    }
    assert labels == {
        310: ("Amy", "m", "not stated"),
        311: ("Amy-311", "m", "not stated"),
        312: ("Amy", "", "not stated"),
    }
    assert catalog.add(NewClone("cosyvoice", "v", "Amy", "m", "stated")).id == 313
    assert catalog.get(101) is None, "a stored system voice is no clone"
    assert version(path) == len(MIGRATIONS)


def test_a_failed_update_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "v"
    execute(path, f"{OLD_TABLES}; CREATE TABLE clone_labels (x); PRAGMA user_version = 1")
    before = path.read_bytes()
    with pytest.raises(CatalogError):
        made(path)
    assert version(path) == 1
    with closing(sqlite3.connect(path)) as database:
        columns = [row[1] for row in database.execute("PRAGMA table_info(tts_voice_entries)")]
    assert "consent" not in columns
    assert len(before) <= path.stat().st_size


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda path: execute(path, "PRAGMA user_version = 99"), "is of version 99.*OPENTALKING_SQLITE_PATH"),
        (lambda path: path.write_bytes(b"not a database" * 100), "is damaged.*move it away"),
        (lambda path: path.mkdir(), "cannot be opened.*OPENTALKING_SQLITE_PATH"),
    ],
    ids=["newer", "no database", "folder"],
)
def test_a_file_that_cannot_be_used_stops_the_start_with_path_and_remedy(
    tmp_path: Path, spoil: "object", message: str
) -> None:
    path = tmp_path / "voices.sqlite3"
    assert callable(spoil)
    spoil(path)
    settings = {
        "OPENTALKING_ENV_FILE": "/nonexistent",
        "OPENTALKING_DATA_DIR": str(tmp_path),
        "OPENTALKING_LLM_PROVIDER": "builtin",
        "OPENTALKING_SQLITE_PATH": str(path),
    }
    with pytest.raises(ValueError, match=f"{re.escape(str(path))} {message}"):
        build(Environment(settings))


def test_pages_that_are_damaged_within_are_found_at_the_start(tmp_path: Path) -> None:
    path = tmp_path / "v"
    catalog = made(path)
    for number in range(20):
        catalog.add(NewClone("dashscope", f"voice-{number}" * 200, f"Label {number}", "m", "stated"))
    execute(path, "PRAGMA wal_checkpoint(TRUNCATE)")
    page = 4096
    with path.open("r+b") as file:
        file.seek(5 * page)
        file.write(b"\xff" * page)
    with pytest.raises(CatalogError, match="is damaged"):
        made(path)


def test_a_file_that_breaks_later_makes_requests_fail_without_its_path(tmp_path: Path) -> None:
    path = tmp_path / "v"
    catalog = made(path)
    execute(path, "DROP TABLE tts_voice_entries")
    with pytest.raises(Unavailable, match="voice catalogue") as caught:
        catalog.clones()
    assert str(tmp_path) not in caught.value.message


@pytest.mark.parametrize("number", [2**63, -(2**63), 10**30])
def test_numbers_beyond_64_bits_are_nobody_s(tmp_path: Path, number: int) -> None:
    assert made(tmp_path / "v").get(number) is None
