-- Who runs a run says so by counting up. A time would not do: clocks differ, and are set.
ALTER TABLE runs RENAME COLUMN heartbeat TO beat;

-- What was seen at an address that the link has no longer, in a run that has not taken effect.
ALTER TABLE run_items ADD COLUMN moved INTEGER NOT NULL DEFAULT 0;
CREATE TRIGGER links_moved AFTER UPDATE OF url ON links WHEN old.url <> new.url
BEGIN
    UPDATE run_items SET moved = 1
    WHERE link_id = new.id AND run_id IN (SELECT id FROM runs WHERE state IN ('running', 'held'));
END;

-- The run of the newest check: what an older one saw has been overtaken.
ALTER TABLE links ADD COLUMN last_run INTEGER;
UPDATE links SET last_run = (SELECT max(run_id) FROM run_items
    WHERE link_id = links.id AND state = 'done' AND class <> 'whitelisted');
