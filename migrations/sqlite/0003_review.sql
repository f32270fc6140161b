-- What review goes by: the newest check's advisory flags, and the title that a link had when it was last well.
ALTER TABLE links ADD COLUMN flags TEXT NOT NULL DEFAULT '[]';
ALTER TABLE links ADD COLUMN good_title TEXT;

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
