-- +goose Up

-- The one renewal of each token of a single-token session. It holds no token:
-- claims and the name of a key.
CREATE TABLE keeper_rotation (
    id        TEXT    NOT NULL PRIMARY KEY,
    successor TEXT    NOT NULL,
    session   TEXT    NOT NULL,
    key_id    TEXT    NOT NULL,
    claims    BLOB    NOT NULL,
    rev_epoch INTEGER NOT NULL,
    rev_seq   INTEGER NOT NULL,
    at        INTEGER NOT NULL,
    until_at  INTEGER NOT NULL
) STRICT;
CREATE INDEX keeper_rotation_until ON keeper_rotation (until_at);
