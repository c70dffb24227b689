-- What a game remembers beside its variables: open decisions, who decides, what is due. JSON; empty for nothing.

ALTER TABLE entries ADD COLUMN memory TEXT NOT NULL DEFAULT '';
