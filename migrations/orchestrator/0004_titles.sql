-- What people call a session, and whether it is put away.
ALTER TABLE sessions ADD COLUMN title TEXT NOT NULL DEFAULT '';
ALTER TABLE sessions ADD COLUMN archived BIGINT NOT NULL DEFAULT 0;
