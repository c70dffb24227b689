-- A game that was branched from another keeps the figures of the board as they were then, JSON.

ALTER TABLE games ADD COLUMN snapshot TEXT;
