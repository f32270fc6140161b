-- Verdicts and whitelist entries that end: they are looked for every second, and nobody has to read the roll for it.

CREATE INDEX links_with_verdict ON links (id) WHERE manual IS NOT NULL;

-- The end of the entry has taken effect on its links.
ALTER TABLE whitelist ADD COLUMN ended INTEGER NOT NULL DEFAULT 0;
