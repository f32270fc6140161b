-- Times are Unix milliseconds in UTC. Booleans are 0 or 1.

CREATE TABLE groups (
    id       INTEGER PRIMARY KEY,
    name     TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE links (
    id             INTEGER PRIMARY KEY AUTOINCREMENT,
    name           TEXT NOT NULL,
    url            TEXT NOT NULL,
    -- The normalised address: no two links share one.
    url_key        TEXT NOT NULL UNIQUE,
    group_id       INTEGER REFERENCES groups (id) ON DELETE SET NULL,
    logo           TEXT NOT NULL DEFAULT '',
    description    TEXT NOT NULL DEFAULT '',
    feed           TEXT NOT NULL DEFAULT '',
    backlink_page  TEXT NOT NULL DEFAULT '',
    email          TEXT NOT NULL DEFAULT '',
    note           TEXT NOT NULL DEFAULT '',
    overrides      TEXT NOT NULL DEFAULT '{}',
    active         INTEGER NOT NULL DEFAULT 1,
    shown          INTEGER NOT NULL DEFAULT 1,
    -- Code and parameters as JSON; NULL while shown.
    reason         TEXT,
    bad_streak     INTEGER NOT NULL DEFAULT 0,
    good_streak    INTEGER NOT NULL DEFAULT 0,
    since          INTEGER NOT NULL,
    judged         INTEGER,
    manual         TEXT,
    created_at     INTEGER NOT NULL,
    -- The newest check, kept here so that no page has to search the checks.
    last_at        INTEGER,
    last_class     TEXT,
    last_status    INTEGER,
    last_ms        INTEGER,
    last_final_url TEXT
) STRICT;

CREATE INDEX links_by_name ON links (name);
CREATE INDEX links_by_group ON links (group_id);
-- The order of the table.
CREATE INDEX links_by_state ON links (active DESC, shown, id);

CREATE TABLE whitelist (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    kind       TEXT NOT NULL CHECK (kind IN ('name', 'host')),
    pattern    TEXT NOT NULL,
    enabled    INTEGER NOT NULL DEFAULT 1,
    note       TEXT NOT NULL DEFAULT '',
    expires_at INTEGER,
    created_at INTEGER NOT NULL,
    UNIQUE (kind, pattern)
) STRICT;

CREATE TABLE runs (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    started_by  TEXT NOT NULL,
    state       TEXT NOT NULL,
    hold        TEXT,
    started_at  INTEGER NOT NULL,
    finished_at INTEGER,
    -- The process that runs it, and when it last said so.
    owner       TEXT NOT NULL,
    heartbeat   INTEGER NOT NULL,
    -- Set by another process that wants the run cancelled.
    cancel      INTEGER NOT NULL DEFAULT 0,
    -- What the run goes by, as JSON.
    plan        TEXT NOT NULL,
    counts      TEXT NOT NULL,
    ms          INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE INDEX runs_unfinished ON runs (state) WHERE state = 'running';

CREATE TABLE run_items (
    run_id       INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    link_id      INTEGER NOT NULL REFERENCES links (id) ON DELETE CASCADE,
    state        TEXT NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'done', 'cancelled', 'failed')),
    at           INTEGER,
    class        TEXT,
    inconclusive INTEGER NOT NULL DEFAULT 0,
    status       INTEGER,
    ms           INTEGER,
    attempts     INTEGER,
    -- What the verdict changes once the run is applied: none, hide or show.
    change       TEXT,
    final_url    TEXT,
    evidence     TEXT,
    PRIMARY KEY (run_id, link_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX run_items_by_link ON run_items (link_id, run_id DESC);
-- A link is claimed by one run at a time.
CREATE UNIQUE INDEX run_items_claim ON run_items (link_id) WHERE state = 'pending';

CREATE TABLE transitions (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    link_id INTEGER NOT NULL REFERENCES links (id) ON DELETE CASCADE,
    run_id  INTEGER REFERENCES runs (id) ON DELETE SET NULL,
    at      INTEGER NOT NULL,
    shown   INTEGER NOT NULL,
    reason  TEXT,
    cause   TEXT NOT NULL CHECK (cause IN ('run', 'whitelist', 'manual'))
) STRICT;

CREATE INDEX transitions_by_link ON transitions (link_id, at);
CREATE INDEX transitions_by_time ON transitions (at);

CREATE TABLE settings (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE schedules (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    cron     TEXT NOT NULL,
    -- When it was last due and a run was started for it.
    last_due INTEGER
) STRICT;

INSERT INTO schedules (cron) VALUES ('0 4 * * *');
