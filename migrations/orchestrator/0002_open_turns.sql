-- Turns that were accepted and have no end yet, so that a restart finds the sessions whose turns it must take up.
ALTER TABLE sessions ADD COLUMN open_turns BIGINT NOT NULL DEFAULT 0;

CREATE INDEX sessions_by_open_turns ON sessions (open_turns);
