-- Who holds which game: a replica says that it lives by counting its beats. `address` is where others may forward to.
CREATE TABLE replicas (
    replica_id TEXT NOT NULL PRIMARY KEY,
    address TEXT NOT NULL,
    beat BIGINT NOT NULL
);

-- The replica that writes the game, or wrote it last; empty: none did yet.
ALTER TABLE games ADD COLUMN holder TEXT NOT NULL DEFAULT '';

CREATE INDEX games_holder ON games (holder);
