-- Who holds which session: a replica says that it lives by counting its beats. `address` is where others may forward to.
CREATE TABLE replicas (
    replica_id TEXT NOT NULL PRIMARY KEY,
    address TEXT NOT NULL,
    beat BIGINT NOT NULL
);

ALTER TABLE sessions ADD COLUMN holder TEXT NOT NULL DEFAULT '';
-- When something was last logged, Unix milliseconds; 0: before this was noted.
ALTER TABLE sessions ADD COLUMN touched_at BIGINT NOT NULL DEFAULT 0;

-- The lore books of campaigns. `title_key` is the title in lower case, `keywords` a JSON array.
CREATE TABLE lore (
    campaign_id TEXT NOT NULL,
    title_key TEXT NOT NULL,
    title TEXT NOT NULL,
    keywords TEXT NOT NULL,
    body TEXT NOT NULL,
    in_every_turn BIGINT NOT NULL,
    PRIMARY KEY (campaign_id, title_key)
);

-- The models that tables have chosen, with their keys. A table that has no row has the server's own.
CREATE TABLE models (
    session_id TEXT NOT NULL PRIMARY KEY,
    provider TEXT NOT NULL,
    url TEXT NOT NULL,
    model TEXT NOT NULL,
    api_key TEXT NOT NULL,
    house_steps_in BIGINT NOT NULL
);

-- Beside the tokens written: those read, and what both have cost in millionths of a US dollar.
ALTER TABLE usage ADD COLUMN prompt_tokens BIGINT NOT NULL DEFAULT 0;
ALTER TABLE usage ADD COLUMN micros BIGINT NOT NULL DEFAULT 0;

-- The fold of a session's log up to and with `seq`, as JSON in the form of `version`, so that a long log need not be read
-- from its beginning.
CREATE TABLE snapshots (
    session_id TEXT NOT NULL PRIMARY KEY,
    seq BIGINT NOT NULL,
    version BIGINT NOT NULL,
    state TEXT NOT NULL
);
