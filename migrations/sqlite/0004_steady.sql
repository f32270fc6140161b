-- What a program needs that runs for years: schedules over parts of the roll, a log of who changed what, and days
-- that stay when single checks go.

-- Which links a schedule is over; the group's name where it is one group.
ALTER TABLE schedules ADD COLUMN scope TEXT NOT NULL DEFAULT 'all' CHECK (scope IN ('all', 'hidden', 'group'));
ALTER TABLE schedules ADD COLUMN scope_group TEXT NOT NULL DEFAULT '';

-- Who changed what; names stand as they were.
CREATE TABLE audit (
    id    INTEGER PRIMARY KEY AUTOINCREMENT,
    at    INTEGER NOT NULL,
    who   TEXT NOT NULL,
    deed  TEXT NOT NULL,
    about TEXT NOT NULL
) STRICT;

CREATE INDEX audit_by_time ON audit (at);

-- Checks that are no longer kept one by one, added up by the day (days since 1970 in UTC).
CREATE TABLE link_days (
    link_id      INTEGER NOT NULL REFERENCES links (id) ON DELETE CASCADE,
    day          INTEGER NOT NULL,
    good         INTEGER NOT NULL,
    bad          INTEGER NOT NULL,
    unverifiable INTEGER NOT NULL,
    -- Of the good ones, together.
    ms           INTEGER NOT NULL,
    PRIMARY KEY (link_id, day)
) STRICT, WITHOUT ROWID;

CREATE INDEX link_days_by_day ON link_days (day);

-- Its checks have gone into the days.
ALTER TABLE runs ADD COLUMN pruned INTEGER NOT NULL DEFAULT 0;
CREATE INDEX runs_unpruned ON runs (finished_at) WHERE pruned = 0;

-- What a check saw in full lies apart: where it goes, its pages are used again. Among the items it left their pages
-- nearly empty for as long as these were kept. By link, since a link's newest stay and its oldest go.
CREATE TABLE evidence (
    link_id   INTEGER NOT NULL REFERENCES links (id) ON DELETE CASCADE,
    run_id    INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    final_url TEXT,
    -- JSON, at most 4 kB.
    details   TEXT NOT NULL,
    PRIMARY KEY (link_id, run_id)
) STRICT, WITHOUT ROWID;

INSERT INTO evidence (link_id, run_id, final_url, details)
SELECT link_id, run_id, final_url, evidence FROM run_items WHERE evidence IS NOT NULL;

ALTER TABLE run_items DROP COLUMN evidence;
ALTER TABLE run_items DROP COLUMN final_url;
