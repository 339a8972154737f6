"""The cloned voices: an SQLite file that several threads and processes may use at once.

Each call opens the file, so a catalogue needs no closing. All calls block: run them in threads. Before the
first one, `prepare` makes or updates the file, or says what is wrong with it.
"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import structlog

from opentalking.catalog.voice_schema import MIGRATIONS
from opentalking.core.consent import Consent
from opentalking.core.errors import Unavailable

_BUSY_SECONDS = 5.0
_INTEGER_LIMIT = 1 << 63
_MILLISECOND = timedelta(milliseconds=1)
_log = structlog.get_logger(__name__)


class CatalogError(ValueError):
    """The file cannot be used; the message names it and the remedy."""


@dataclass(frozen=True, slots=True)
class NewClone:
    """A voice to remember; `display_label` is the wish, which may be taken."""

    provider: str
    voice_id: str
    display_label: str
    target_model: str
    consent: Consent


@dataclass(frozen=True, slots=True)
class Clone:
    """A cloned voice as it is stored; `created_at` is RFC 3339."""

    id: int
    user_id: int
    provider: str
    voice_id: str
    display_label: str
    target_model: str
    consent: Consent
    created_at: str


def _utc_now() -> datetime:
    return datetime.now(UTC)


class VoiceCatalog:
    """The table of cloned voices in the file `path`; `now` is the time in UTC."""

    def __init__(self, path: Path, now: Callable[[], datetime] = _utc_now) -> None:
        self._path = path
        self._now = now

    def prepare(self) -> None:
        """Make the file, or bring it to this version; raises `CatalogError` when it cannot be used."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with closing(self._connect()) as database:
                [verdict] = database.execute("PRAGMA quick_check(1)").fetchone()
                if verdict != "ok":
                    raise self._damaged(verdict)
                database.execute("PRAGMA journal_mode = WAL")
                _migrate(database, self._path)
        except (sqlite3.OperationalError, OSError) as error:
            raise CatalogError(
                f"the voice catalogue {self._path} cannot be opened ({error}); make it writable, "
                "or set OPENTALKING_SQLITE_PATH to another file"
            ) from error
        except sqlite3.DatabaseError as error:
            raise self._damaged(error) from error

    def add(self, new: NewClone) -> Clone:
        """Remember a voice; a label that is taken for its provider and model gets the time as a suffix."""
        with self._transaction() as database:
            moment = self._now()
            label = _free_label(database, new, moment)
            row = database.execute(
                "INSERT INTO tts_voice_entries "
                "(provider, voice_id, display_label, target_model, source, consent, created_at) "
                "VALUES (?, ?, ?, ?, 'clone', ?, ?) RETURNING *",
                (new.provider, new.voice_id, label, new.target_model, new.consent, _text(moment)),
            ).fetchone()
            return _clone(row)

    def clones(self, provider: str | None = None) -> list[Clone]:
        """All cloned voices, or those of one provider, oldest first."""
        with self._transaction("BEGIN") as database:
            rows = database.execute(
                "SELECT * FROM tts_voice_entries "
                "WHERE source = 'clone' AND (?1 IS NULL OR provider = ?1) ORDER BY id",
                (provider,),
            )
            return [_clone(row) for row in rows]

    def get(self, entry_id: int) -> Clone | None:
        """The cloned voice of this number, if there is one."""
        if abs(entry_id) >= _INTEGER_LIMIT:
            return None
        with self._transaction("BEGIN") as database:
            row = database.execute(
                "SELECT * FROM tts_voice_entries WHERE source = 'clone' AND id = ?", (entry_id,)
            ).fetchone()
            return _clone(row) if row else None

    def remove(self, entry_id: int) -> bool:
        """Forget a cloned voice; whether it was there."""
        with self._transaction() as database:
            done = database.execute(
                "DELETE FROM tts_voice_entries WHERE source = 'clone' AND id = ?", (entry_id,)
            )
            return done.rowcount > 0

    def _connect(self) -> sqlite3.Connection:
        database = sqlite3.connect(self._path, timeout=_BUSY_SECONDS, isolation_level=None)
        database.row_factory = sqlite3.Row
        database.execute("PRAGMA foreign_keys = ON")
        return database

    @contextmanager
    def _transaction(self, begin: str = "BEGIN IMMEDIATE") -> Iterator[sqlite3.Connection]:
        """The file for a reader or, by default, for one writer: others wait, at most five seconds."""
        try:
            with closing(self._connect()) as database:
                database.execute(begin)
                yield database
                database.execute("COMMIT")
        except sqlite3.Error as error:
            _log.error("voice catalogue failed", path=str(self._path), exc_info=error)
            raise Unavailable("the voice catalogue cannot be used now; see the server's log") from error

    def _damaged(self, what: object) -> CatalogError:
        return CatalogError(
            f"the voice catalogue {self._path} is damaged ({what}); move it away, or restore it from a copy: "
            "without it, cloned voices are not listed any more, but exist at their services"
        )


def _migrate(database: sqlite3.Connection, path: Path) -> None:
    database.execute("BEGIN IMMEDIATE")  # two servers that start at once: one makes it, the other waits
    [version] = database.execute("PRAGMA user_version").fetchone()
    if version > len(MIGRATIONS):
        raise CatalogError(
            f"the voice catalogue {path} is of version {version}, this program reads up to "
            f"{len(MIGRATIONS)}; use the newer OpenTalking that wrote it, or set OPENTALKING_SQLITE_PATH to "
            "another file"
        )
    for number, migration in enumerate(MIGRATIONS[version:], version + 1):
        for statement in migration:
            database.execute(statement)
        database.execute(f"PRAGMA user_version = {number}")
    database.execute("COMMIT")


def _free_label(database: sqlite3.Connection, new: NewClone, moment: datetime) -> str:
    label = new.display_label
    while database.execute(
        "SELECT 1 FROM tts_voice_entries WHERE source = 'clone' AND provider = ? "
        "AND COALESCE(target_model, '') = ? AND display_label = ?",
        (new.provider, new.target_model, label),
    ).fetchone():
        label = f"{new.display_label}-{moment:%Y%m%d-%H%M%S}-{moment.microsecond // 1000:03d}"
        moment += _MILLISECOND
    return label


def _clone(row: sqlite3.Row) -> Clone:
    return Clone(
        id=row["id"],
        user_id=row["user_id"],
        provider=row["provider"],
        voice_id=row["voice_id"],
        display_label=row["display_label"],
        target_model=row["target_model"] or "",
        consent=row["consent"],
        created_at=row["created_at"],
    )


def _text(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
