-- Every roll wrote to an index that no query reads by (player), and to one of keys that most rolls do not have.
CREATE TABLE kept_rolls (
    id TEXT NOT NULL PRIMARY KEY,
    -- Unix milliseconds.
    at BIGINT NOT NULL,
    -- The RPC, such as RollDice.
    kind TEXT NOT NULL,
    -- Why the dice were rolled, or empty.
    cause TEXT NOT NULL,
    trace_id TEXT NOT NULL,
    -- Faces in the order drawn, a JSON list.
    faces TEXT NOT NULL,
    -- The request and the answer: protobuf in hexadecimal; those from before there were chains are JSON.
    request TEXT NOT NULL,
    answer TEXT NOT NULL,
    idempotency_key TEXT,
    -- The place of the roll in its chain. Rolls from before there were chains have none.
    chain TEXT,
    rotation BIGINT,
    nonce BIGINT,
    -- Whose roll it was, or empty.
    player TEXT,
    -- The players' seeds it depends on, joined by commas.
    client_seeds TEXT,
    -- Sides of the dice drawn, a JSON list like the faces.
    sides TEXT,
    previous_hash TEXT,
    hash TEXT
);
INSERT INTO kept_rolls (id, at, kind, cause, trace_id, faces, request, answer, idempotency_key, chain, rotation, nonce,
    player, client_seeds, sides, previous_hash, hash)
SELECT id, at, kind, cause, trace_id, faces, request, answer, idempotency_key, chain, rotation, nonce,
    player, client_seeds, sides, previous_hash, hash FROM rolls ORDER BY id;
DROP TABLE rolls;
ALTER TABLE kept_rolls RENAME TO rolls;
CREATE UNIQUE INDEX rolls_by_key ON rolls (idempotency_key) WHERE idempotency_key IS NOT NULL;
CREATE UNIQUE INDEX rolls_by_nonce ON rolls (chain, rotation, nonce);
