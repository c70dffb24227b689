-- Few entries have an idempotency key: only those have a place in its index.

CREATE TABLE entries_anew (
    game_key TEXT NOT NULL,
    -- 0 is the game's beginning; whoever writes a number that is there has lost the game to another process.
    sequence BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    state TEXT NOT NULL,
    -- JSON; after the beginning only those that have changed since.
    variables TEXT NOT NULL,
    -- JSON; empty for the beginning.
    entry TEXT NOT NULL,
    idempotency_key TEXT,
    request TEXT,
    PRIMARY KEY (game_key, sequence)
);

INSERT INTO entries_anew (game_key, sequence, created_at, state, variables, entry, idempotency_key, request)
    SELECT game_key, sequence, created_at, state, variables, entry, idempotency_key, request FROM entries;

DROP TABLE entries;

ALTER TABLE entries_anew RENAME TO entries;

CREATE UNIQUE INDEX entries_idempotency_key ON entries (idempotency_key) WHERE idempotency_key IS NOT NULL;
