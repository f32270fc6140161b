-- What the dashboard needs: outcomes at hand for the strip, deleting with undo, the admin and who is signed in.

-- The newest 30 checks of a link, oldest first, a letter each: g good, b bad, u unverifiable.
ALTER TABLE links ADD COLUMN recent TEXT NOT NULL DEFAULT '';
-- Removed links stay a day, so that it can be undone.
ALTER TABLE links ADD COLUMN deleted_at INTEGER;

UPDATE links SET recent = coalesce((
    SELECT group_concat(letter, '') FROM (
        SELECT CASE
            WHEN class = 'ok' THEN 'g'
            WHEN inconclusive = 1 OR class IN ('bot_challenge', 'rate_limited', 'script_only', 'body_too_large') THEN 'u'
            ELSE 'b' END AS letter
        FROM (SELECT run_id, class, inconclusive FROM run_items
              WHERE link_id = links.id AND state = 'done' AND class <> 'whitelisted' ORDER BY run_id DESC LIMIT 30)
        ORDER BY run_id)), '');

-- Runs that have not taken effect.
CREATE INDEX runs_open ON runs (state) WHERE state IN ('running', 'held');

CREATE TABLE users (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    name       TEXT NOT NULL UNIQUE COLLATE NOCASE,
    -- argon2id, in PHC form.
    password   TEXT NOT NULL,
    -- Goes up when all sessions of the account are to end.
    epoch      INTEGER NOT NULL DEFAULT 0,
    created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE sessions (
    id         TEXT PRIMARY KEY,
    -- What the session library keeps, as JSON.
    record     TEXT NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX sessions_by_end ON sessions (expires_at);

-- Goes up whenever a link comes, goes, or has another name or address: what is made of these is kept until then.
CREATE TABLE revisions (
    what TEXT PRIMARY KEY,
    n    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

INSERT INTO revisions (what, n) VALUES ('links', 0);

CREATE TRIGGER links_added AFTER INSERT ON links
BEGIN UPDATE revisions SET n = n + 1 WHERE what = 'links'; END;
CREATE TRIGGER links_gone AFTER DELETE ON links
BEGIN UPDATE revisions SET n = n + 1 WHERE what = 'links'; END;
CREATE TRIGGER links_changed AFTER UPDATE OF name, url, deleted_at ON links
BEGIN UPDATE revisions SET n = n + 1 WHERE what = 'links'; END;
