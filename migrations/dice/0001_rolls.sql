-- Every roll, before it was answered.
CREATE TABLE rolls (
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
    -- The request and the answer, JSON.
    request TEXT NOT NULL,
    answer TEXT NOT NULL,
    idempotency_key TEXT UNIQUE
);
