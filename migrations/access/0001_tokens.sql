-- Who may come in. A token itself is not kept, only its hash.
CREATE TABLE tokens (
    id TEXT NOT NULL PRIMARY KEY,
    -- SHA-256 of the token, in hexadecimal.
    hash TEXT NOT NULL UNIQUE,
    -- Who holds it.
    name TEXT NOT NULL,
    -- player, gm or operator.
    role TEXT NOT NULL,
    -- The only session it opens, or any.
    session_id TEXT,
    -- The only seat it may take there, or any that the role allows.
    seat TEXT,
    -- Characters that its holder may change, a JSON list.
    characters TEXT NOT NULL,
    -- Unix milliseconds.
    created_at BIGINT NOT NULL,
    expires_at BIGINT,
    revoked_at BIGINT,
    -- When the row was written last, so that others see what is new.
    changed_at BIGINT NOT NULL
);
CREATE INDEX tokens_changed_at ON tokens (changed_at);

-- Characters that a player has made belong to him.
CREATE TABLE owners (
    -- In lower case.
    character TEXT NOT NULL PRIMARY KEY,
    -- The holder's name.
    name TEXT NOT NULL
);

-- Who did what, and whether he was let.
CREATE TABLE audit (
    id TEXT NOT NULL PRIMARY KEY,
    -- Unix milliseconds.
    at BIGINT NOT NULL,
    name TEXT NOT NULL,
    role TEXT NOT NULL,
    -- rest, mcp, socket, grpc, line or token.
    door TEXT NOT NULL,
    -- The tool or frame.
    action TEXT NOT NULL,
    -- The session or character it was about, or empty.
    target TEXT NOT NULL,
    -- ok, or the name of the error.
    outcome TEXT NOT NULL,
    trace_id TEXT NOT NULL
);
CREATE INDEX audit_at ON audit (at);
CREATE INDEX audit_name ON audit (name, at);
