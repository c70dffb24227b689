-- The secret that signs heads where no file of keys is given: made by the first replica, shared by all. There is one row.
CREATE TABLE signing_secrets (
    place BIGINT NOT NULL PRIMARY KEY,
    -- 32 bytes, hexadecimal.
    secret TEXT NOT NULL,
    -- Unix milliseconds.
    since BIGINT NOT NULL
);
