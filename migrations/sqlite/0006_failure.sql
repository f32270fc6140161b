-- Why an item failed, where it did: the code of what was missing on this machine. Nothing was seen of its site.
ALTER TABLE run_items ADD COLUMN failure TEXT;
