-- The server's seeds: one for each session or game, and a new one after each reveal.
CREATE TABLE chains (
    -- The session or game.
    id TEXT NOT NULL,
    -- The how-manieth seed, from 0.
    rotation BIGINT NOT NULL,
    -- The secret seed, hexadecimal; empty if rolls are not provable.
    server_seed TEXT NOT NULL,
    -- Its SHA-256, hexadecimal.
    commitment TEXT NOT NULL,
    -- The hash of the last entry under the seed before; empty for the first.
    previous_head TEXT NOT NULL,
    -- Unix milliseconds.
    at BIGINT NOT NULL,
    PRIMARY KEY (id, rotation)
);

-- Public keys that have signed heads, hexadecimal, since Unix milliseconds.
CREATE TABLE signing_keys (
    public_key TEXT NOT NULL PRIMARY KEY,
    since BIGINT NOT NULL
);

-- The place of a roll in its chain. Rolls from before there were chains have none.
ALTER TABLE rolls ADD COLUMN chain TEXT;
ALTER TABLE rolls ADD COLUMN rotation BIGINT;
ALTER TABLE rolls ADD COLUMN nonce BIGINT;
-- Whose roll it was, or empty.
ALTER TABLE rolls ADD COLUMN player TEXT;
-- The players' seeds it depends on, joined by commas.
ALTER TABLE rolls ADD COLUMN client_seeds TEXT;
-- Sides of the dice drawn, a JSON list like the faces.
ALTER TABLE rolls ADD COLUMN sides TEXT;
ALTER TABLE rolls ADD COLUMN previous_hash TEXT;
ALTER TABLE rolls ADD COLUMN hash TEXT;
CREATE UNIQUE INDEX rolls_by_nonce ON rolls (chain, rotation, nonce);
CREATE INDEX rolls_by_player ON rolls (player, id);
