-- Sessions and their logs. Times are Unix milliseconds.

-- A session, and the fold of its log as far as lists and look-ups need it. `epoch` rises with each holder that takes
-- the session over; a write under an older one affects no row and so fails.
CREATE TABLE sessions (
    session_id TEXT NOT NULL PRIMARY KEY,
    created_at BIGINT NOT NULL,
    epoch BIGINT NOT NULL,
    last_seq BIGINT NOT NULL,
    message_count BIGINT NOT NULL,
    characters TEXT NOT NULL,
    scene TEXT NOT NULL
);

CREATE INDEX sessions_by_age ON sessions (created_at);

-- The log, append-only. The rows of one narration share their `seq` and begin at `text_offset` characters of it; of
-- every other event `text_offset` is 0.
CREATE TABLE events (
    session_id TEXT NOT NULL,
    seq BIGINT NOT NULL,
    text_offset BIGINT NOT NULL,
    event TEXT NOT NULL,
    PRIMARY KEY (session_id, seq, text_offset)
);

-- The turn that answers a player's message, by the id that its client gave it.
CREATE TABLE messages (
    session_id TEXT NOT NULL,
    message_id TEXT NOT NULL,
    turn_id TEXT NOT NULL,
    PRIMARY KEY (session_id, message_id)
);
