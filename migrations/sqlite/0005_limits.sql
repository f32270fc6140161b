-- Two things that large rolls and outside texts ask for: a limit on every column that others fill, and numbers that are
-- read without reading the roll. The limits are those of src/domain/field.rs and src/store/sqlite/limits.rs.
--
-- What is too long today is cut. An address cannot be: it would be another's. A longer one, of a page, a picture, a feed
-- or a mailbox, stays until it is written anew.

UPDATE links SET name = substr(name, 1, 200) WHERE length(name) > 200;
UPDATE links SET description = substr(description, 1, 1000) WHERE length(description) > 1000;
UPDATE links SET note = substr(note, 1, 1000) WHERE length(note) > 1000;
UPDATE links SET last_final_url = substr(last_final_url, 1, 2048) WHERE length(last_final_url) > 2048;
UPDATE links SET good_title = substr(good_title, 1, 1000) WHERE length(good_title) > 1000;

-- Two groups may have the same beginning, and are one then.
INSERT OR IGNORE INTO groups (name) SELECT substr(name, 1, 1000) FROM groups WHERE length(name) > 1000;
UPDATE links SET group_id =
    (SELECT short.id FROM groups long JOIN groups short ON short.name = substr(long.name, 1, 1000)
     WHERE long.id = links.group_id)
WHERE group_id IN (SELECT id FROM groups WHERE length(name) > 1000);
DELETE FROM groups WHERE length(name) > 1000;

-- So may two patterns; the first stays.
UPDATE OR IGNORE whitelist SET pattern = substr(pattern, 1, 200) WHERE kind = 'name' AND length(pattern) > 200;
DELETE FROM whitelist WHERE kind = 'name' AND length(pattern) > 200;
DELETE FROM whitelist WHERE length(pattern) > 261;
UPDATE whitelist SET note = substr(note, 1, 1000) WHERE length(note) > 1000;
UPDATE audit SET who = substr(who, 1, 200) WHERE length(who) > 200;
UPDATE audit SET deed = substr(deed, 1, 200) WHERE length(deed) > 200;
UPDATE audit SET about = substr(about, 1, 1000) WHERE length(about) > 1000;
UPDATE schedules SET scope_group = substr(scope_group, 1, 1000) WHERE length(scope_group) > 1000;
UPDATE evidence SET final_url = substr(final_url, 1, 2048) WHERE length(final_url) > 2048;

-- length() counts up to the first NUL, so bytes are held as well: a character has four at most.

CREATE TRIGGER links_fit BEFORE INSERT ON links
WHEN length(NEW.name) > 200 OR octet_length(NEW.name) > 800
    OR length(NEW.url) > 2048 OR octet_length(NEW.url) > 8192
    OR length(NEW.logo) > 1000 OR octet_length(NEW.logo) > 4000
    OR length(NEW.description) > 1000 OR octet_length(NEW.description) > 4000
    OR length(NEW.feed) > 1000 OR octet_length(NEW.feed) > 4000
    OR length(NEW.backlink_page) > 1000 OR octet_length(NEW.backlink_page) > 4000
    OR length(NEW.email) > 1000 OR octet_length(NEW.email) > 4000
    OR length(NEW.note) > 1000 OR octet_length(NEW.note) > 4000
    OR octet_length(NEW.overrides) > 8192
BEGIN SELECT RAISE(ABORT, 'a field of the link is longer than its column holds'); END;

CREATE TRIGGER links_still_fit
BEFORE UPDATE OF name, url, logo, description, feed, backlink_page, email, note, overrides ON links
WHEN length(NEW.name) > 200 OR octet_length(NEW.name) > 800
    OR (NEW.url <> OLD.url AND (length(NEW.url) > 2048 OR octet_length(NEW.url) > 8192))
    OR (NEW.logo <> OLD.logo AND (length(NEW.logo) > 1000 OR octet_length(NEW.logo) > 4000))
    OR length(NEW.description) > 1000 OR octet_length(NEW.description) > 4000
    OR (NEW.feed <> OLD.feed AND (length(NEW.feed) > 1000 OR octet_length(NEW.feed) > 4000))
    OR (NEW.backlink_page <> OLD.backlink_page AND (length(NEW.backlink_page) > 1000 OR octet_length(NEW.backlink_page) > 4000))
    OR (NEW.email <> OLD.email AND (length(NEW.email) > 1000 OR octet_length(NEW.email) > 4000))
    OR length(NEW.note) > 1000 OR octet_length(NEW.note) > 4000
    OR octet_length(NEW.overrides) > 8192
BEGIN SELECT RAISE(ABORT, 'a field of the link is longer than its column holds'); END;

-- What a friend's page fills is cut before it is written; this is the second line.
CREATE TRIGGER links_seen_fit BEFORE UPDATE OF last_final_url, good_title, flags, reason, manual ON links
WHEN octet_length(NEW.last_final_url) > 8192 OR octet_length(NEW.good_title) > 4000
    OR octet_length(NEW.flags) > 4096 OR octet_length(NEW.reason) > 4096 OR octet_length(NEW.manual) > 4096
BEGIN SELECT RAISE(ABORT, 'what was seen of the link is longer than its column holds'); END;

CREATE TRIGGER evidence_fits BEFORE INSERT ON evidence
WHEN octet_length(NEW.final_url) > 8192 OR octet_length(NEW.details) > 4096
BEGIN SELECT RAISE(ABORT, 'the evidence is longer than its column holds'); END;

CREATE TRIGGER groups_fit BEFORE INSERT ON groups
WHEN length(NEW.name) > 1000 OR octet_length(NEW.name) > 4000
BEGIN SELECT RAISE(ABORT, 'the group is longer than its column holds'); END;

CREATE TRIGGER groups_still_fit BEFORE UPDATE OF name ON groups
WHEN length(NEW.name) > 1000 OR octet_length(NEW.name) > 4000
BEGIN SELECT RAISE(ABORT, 'the group is longer than its column holds'); END;

CREATE TRIGGER whitelist_fits BEFORE INSERT ON whitelist
WHEN length(NEW.pattern) > 261 OR octet_length(NEW.pattern) > 1044
    OR length(NEW.note) > 1000 OR octet_length(NEW.note) > 4000
BEGIN SELECT RAISE(ABORT, 'the entry is longer than its column holds'); END;

CREATE TRIGGER whitelist_still_fits BEFORE UPDATE OF pattern, note ON whitelist
WHEN length(NEW.pattern) > 261 OR octet_length(NEW.pattern) > 1044
    OR length(NEW.note) > 1000 OR octet_length(NEW.note) > 4000
BEGIN SELECT RAISE(ABORT, 'the entry is longer than its column holds'); END;

CREATE TRIGGER settings_fit BEFORE INSERT ON settings
WHEN octet_length(NEW.key) > 200 OR octet_length(NEW.value) > 65536
BEGIN SELECT RAISE(ABORT, 'the setting is longer than its column holds'); END;

CREATE TRIGGER settings_still_fit BEFORE UPDATE OF value ON settings
WHEN octet_length(NEW.value) > 65536
BEGIN SELECT RAISE(ABORT, 'the setting is longer than its column holds'); END;

CREATE TRIGGER schedules_fit BEFORE INSERT ON schedules
WHEN octet_length(NEW.cron) > 1000 OR length(NEW.scope_group) > 1000 OR octet_length(NEW.scope_group) > 4000
BEGIN SELECT RAISE(ABORT, 'the schedule is longer than its column holds'); END;

CREATE TRIGGER schedules_still_fit BEFORE UPDATE OF cron, scope_group ON schedules
WHEN octet_length(NEW.cron) > 1000 OR length(NEW.scope_group) > 1000 OR octet_length(NEW.scope_group) > 4000
BEGIN SELECT RAISE(ABORT, 'the schedule is longer than its column holds'); END;

CREATE TRIGGER audit_fits BEFORE INSERT ON audit
WHEN octet_length(NEW.who) > 800 OR octet_length(NEW.deed) > 800 OR octet_length(NEW.about) > 4000
BEGIN SELECT RAISE(ABORT, 'the note is longer than its column holds'); END;

CREATE TRIGGER users_fit BEFORE INSERT ON users
WHEN length(NEW.name) > 64 OR octet_length(NEW.name) > 256 OR octet_length(NEW.password) > 1000
BEGIN SELECT RAISE(ABORT, 'the account is longer than its column holds'); END;

CREATE TRIGGER sessions_fit BEFORE INSERT ON sessions
WHEN octet_length(NEW.id) > 200 OR octet_length(NEW.record) > 65536
BEGIN SELECT RAISE(ABORT, 'the session is longer than its column holds'); END;

-- Goes up whenever anything changes that a list of the roll could show: what is made of it is kept until then. `links`,
-- which the names are kept by, goes up with it where a link comes, goes, or has another name or address.
INSERT INTO revisions (what, n) VALUES ('roll', 0);

DROP TRIGGER links_added;
CREATE TRIGGER links_added AFTER INSERT ON links
BEGIN UPDATE revisions SET n = n + 1 WHERE what IN ('links', 'roll'); END;
DROP TRIGGER links_gone;
CREATE TRIGGER links_gone AFTER DELETE ON links
BEGIN UPDATE revisions SET n = n + 1 WHERE what IN ('links', 'roll'); END;
CREATE TRIGGER roll_changed AFTER UPDATE OF name, url, group_id, logo, description, feed, backlink_page, email, note,
    overrides, active, shown, deleted_at ON links
BEGIN UPDATE revisions SET n = n + 1 WHERE what = 'roll'; END;

-- Counts and groups are read from the indexes alone, which hold every column that they ask for.
DROP INDEX links_by_state;
CREATE INDEX links_by_state ON links (active DESC, shown, id, deleted_at) WHERE deleted_at IS NULL;
-- The order of the table by name.
DROP INDEX links_by_name;
CREATE INDEX links_by_name ON links (name COLLATE NOCASE, id, deleted_at) WHERE deleted_at IS NULL;
DROP INDEX links_by_group;
CREATE INDEX links_by_group ON links (group_id, id, deleted_at) WHERE deleted_at IS NULL;

-- The newest check could not tell, or raised a flag.
ALTER TABLE links ADD COLUMN doubtful INTEGER NOT NULL
    GENERATED ALWAYS AS (substr(recent, -1) = 'u' OR flags <> '[]') VIRTUAL;
-- Those that may want the owner's eye.
CREATE INDEX links_to_review ON links (id, doubtful, shown, since, manual, active, deleted_at)
WHERE deleted_at IS NULL AND active = 1 AND (doubtful = 1 OR shown = 0);
