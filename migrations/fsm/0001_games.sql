-- A game, and its log: every accepted event with what it brought about, and the game as it stood then.

CREATE TABLE games (
    game_key TEXT NOT NULL PRIMARY KEY,
    -- What people call it; the default game's goes over to the next one when it is archived.
    game_id TEXT NOT NULL UNIQUE,
    machine TEXT NOT NULL,
    archived_from TEXT,
    created_at BIGINT NOT NULL,
    idempotency_key TEXT UNIQUE,
    request TEXT
);

CREATE TABLE entries (
    game_key TEXT NOT NULL,
    -- 0 is the game's beginning; whoever writes a number that is there has lost the game to another process.
    sequence BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    state TEXT NOT NULL,
    variables TEXT NOT NULL,
    -- JSON; empty for the beginning.
    entry TEXT NOT NULL,
    idempotency_key TEXT UNIQUE,
    request TEXT,
    PRIMARY KEY (game_key, sequence)
);

-- Definitions that came from files, so that their games can go on after the file has changed.
CREATE TABLE definitions (
    machine TEXT NOT NULL PRIMARY KEY,
    source TEXT NOT NULL
);
