-- Sustained spells stand on the sheet, so that its revision guards them, too.
DROP TABLE sustained_spells;

-- When a character was deleted; he can be restored.
ALTER TABLE characters ADD COLUMN deleted_at BIGINT;

-- The audit log: what each revision of a character, campaign, NPC, house rule or fight changed.
CREATE TABLE changes (
    subject_id TEXT NOT NULL,
    -- The subject's revision after the change.
    revision BIGINT NOT NULL,
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    operation TEXT NOT NULL,
    actor TEXT NOT NULL,
    session_id TEXT NOT NULL,
    reason TEXT NOT NULL,
    summary TEXT NOT NULL,
    -- The parts that changed, as JSON objects; the first revision has the whole in `after_parts`.
    before_parts TEXT NOT NULL,
    after_parts TEXT NOT NULL,
    trace_id TEXT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (subject_id, revision)
);
CREATE INDEX changes_by_age ON changes (at);

-- Bookings of Karma and nuyen; their sum is what the sheet says.
CREATE TABLE ledger (
    character_id TEXT NOT NULL,
    account TEXT NOT NULL,
    -- The revision that booked it.
    revision BIGINT NOT NULL,
    amount BIGINT NOT NULL,
    balance BIGINT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (character_id, account, revision)
);

-- Campaigns, NPCs, house rules and fights: one JSON document each.
CREATE TABLE documents (
    id TEXT NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL,
    -- The campaign it belongs to; empty for none.
    scope TEXT NOT NULL,
    -- Its name, folded as those of characters are.
    name_key TEXT NOT NULL,
    document TEXT NOT NULL,
    revision BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    UNIQUE (kind, scope, name_key)
);
