"""How the file of voices came to be what it is: the statements that lead from each version to the next.

The version is the file's `user_version`. Version 1 is the table that servers of this API have had from
the beginning; files of theirs have the version 0 and are brought up like an empty one.
"""

LAST_SYSTEM_ID = 309
"""Numbers up to here belonged to system voices, which are not stored any more."""

_TABLES = (
    "CREATE TABLE IF NOT EXISTS users (id INTEGER PRIMARY KEY, label TEXT NOT NULL DEFAULT 'default')",
    "INSERT OR IGNORE INTO users (id, label) VALUES (1, 'default')",
    """CREATE TABLE IF NOT EXISTS tts_voice_entries (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        user_id INTEGER NOT NULL DEFAULT 1 REFERENCES users (id),
        provider TEXT NOT NULL,
        voice_id TEXT NOT NULL,
        display_label TEXT NOT NULL,
        target_model TEXT NULL,
        source TEXT NOT NULL,
        created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
    )""",
    "CREATE INDEX IF NOT EXISTS idx_tts_voice_user_provider ON tts_voice_entries (user_id, provider)",
    "INSERT INTO sqlite_sequence (name, seq) SELECT 'tts_voice_entries', 0 "
    "WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = 'tts_voice_entries')",
    f"UPDATE sqlite_sequence SET seq = max(seq, {LAST_SYSTEM_ID}) "  # noqa: S608 - a constant
    "WHERE name = 'tts_voice_entries'",
)
_CONSENT_AND_UNIQUE_LABELS = (
    "ALTER TABLE tts_voice_entries ADD COLUMN consent TEXT NOT NULL DEFAULT 'not stated'",
    # Labels were only looked up before they were written, so two may be the same: the older one keeps it.
    """UPDATE tts_voice_entries SET display_label = display_label || '-' || id
       WHERE source = 'clone' AND EXISTS (
           SELECT 1 FROM tts_voice_entries AS older
           WHERE older.source = 'clone' AND older.id < tts_voice_entries.id
             AND older.provider = tts_voice_entries.provider
             AND COALESCE(older.target_model, '') = COALESCE(tts_voice_entries.target_model, '')
             AND older.display_label = tts_voice_entries.display_label)""",
    "CREATE UNIQUE INDEX clone_labels ON tts_voice_entries "
    "(provider, COALESCE(target_model, ''), display_label) WHERE source = 'clone'",
)
MIGRATIONS = (_TABLES, _CONSENT_AND_UNIQUE_LABELS)
