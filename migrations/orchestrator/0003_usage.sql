-- Tokens that models have written, by day (YYYY-MM-DD, UTC) and for whom: `all`, `session/ID`, `player/NAME`.
CREATE TABLE usage (
    day TEXT NOT NULL,
    scope TEXT NOT NULL,
    tokens BIGINT NOT NULL,
    PRIMARY KEY (day, scope)
);
