-- A sheet is one JSON document; the keys beside it are what it is looked up by.
CREATE TABLE characters (
    id TEXT NOT NULL PRIMARY KEY,
    -- Street name and given name, folded: lower case, single spaces.
    street_name_key TEXT NOT NULL UNIQUE,
    name_key TEXT NOT NULL,
    sheet TEXT NOT NULL,
    -- Counts the changes, from 1.
    revision BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE INDEX characters_by_name ON characters (name_key);

CREATE TABLE sustained_spells (
    id TEXT NOT NULL PRIMARY KEY,
    character_id TEXT NOT NULL REFERENCES characters (id),
    spell_name TEXT NOT NULL,
    force BIGINT NOT NULL,
    -- The target's name, or empty; its id if it is a character.
    target_name TEXT NOT NULL,
    target_character_id TEXT,
    cast_at BIGINT NOT NULL
);
CREATE INDEX sustained_spells_by_character ON sustained_spells (character_id, cast_at);

-- What was answered under a caller's key, kept with the effect and for 7 days.
CREATE TABLE answers (
    idempotency_key TEXT NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL,
    request TEXT NOT NULL,
    answer TEXT NOT NULL,
    at BIGINT NOT NULL
);
CREATE INDEX answers_by_age ON answers (at);
