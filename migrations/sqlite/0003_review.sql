-- What review goes by: the newest check's advisory flags, and the title that a link had when it was last well.
ALTER TABLE links ADD COLUMN flags TEXT NOT NULL DEFAULT '[]';
ALTER TABLE links ADD COLUMN good_title TEXT;
