-- What a list of characters tells of each, as JSON, so that a list reads no whole sheets. Empty: not written yet.
ALTER TABLE characters ADD COLUMN listed TEXT NOT NULL DEFAULT '';
