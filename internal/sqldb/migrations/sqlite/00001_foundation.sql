-- +goose Up

-- Times are whole microseconds since 1970, UTC; 0 means never.
-- Numbers that must never repeat come from counter rows, taken inside the
-- transaction that uses them, so that they grow in the order of the commits.

CREATE TABLE counter (
    name  TEXT    NOT NULL PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT;
INSERT INTO counter (name, value) VALUES ('account', 0);

CREATE TABLE account (
    id                  INTEGER NOT NULL PRIMARY KEY,
    identifier          TEXT    NOT NULL UNIQUE,
    display             TEXT    NOT NULL,
    password            TEXT    NOT NULL,
    credential          INTEGER NOT NULL,
    scope               TEXT    NOT NULL,
    claims              TEXT    NOT NULL,
    rights              INTEGER NOT NULL,
    locked              INTEGER NOT NULL,
    require_new         INTEGER NOT NULL,
    failures            INTEGER NOT NULL,
    failed_at           INTEGER NOT NULL,
    created_at          INTEGER NOT NULL,
    password_changed_at INTEGER NOT NULL,
    last_login_at       INTEGER NOT NULL,
    deleted_at          INTEGER NOT NULL,
    revision            INTEGER NOT NULL
) STRICT;

CREATE TABLE signing_key (
    id         TEXT    NOT NULL PRIMARY KEY,
    algorithm  TEXT    NOT NULL,
    state      TEXT    NOT NULL,
    sealed     BLOB    NOT NULL,
    public     BLOB    NOT NULL,
    created_at INTEGER NOT NULL,
    signs_from INTEGER NOT NULL,
    signs_to   INTEGER NOT NULL,
    gone_at    INTEGER NOT NULL,
    period     INTEGER NOT NULL UNIQUE,
    revision   INTEGER NOT NULL
) STRICT;

CREATE TABLE session_epoch (
    account TEXT    NOT NULL PRIMARY KEY,
    epoch   INTEGER NOT NULL
) STRICT;

CREATE TABLE session (
    id           TEXT    NOT NULL PRIMARY KEY,
    account      TEXT    NOT NULL,
    state        TEXT    NOT NULL,
    end_reason   TEXT    NOT NULL,
    ended_at     INTEGER NOT NULL,
    key_id       INTEGER NOT NULL,
    generation   INTEGER NOT NULL,
    rotated_at   INTEGER NOT NULL,
    held_at      INTEGER NOT NULL,
    confirmed_at INTEGER NOT NULL,
    late         INTEGER NOT NULL,
    late_now     INTEGER NOT NULL,
    auth_time    INTEGER NOT NULL,
    methods      TEXT    NOT NULL,
    context      TEXT    NOT NULL,
    audience     TEXT    NOT NULL,
    scope        TEXT    NOT NULL,
    idle_at      INTEGER NOT NULL,
    absolute_at  INTEGER NOT NULL,
    binding      TEXT    NOT NULL,
    parent       TEXT    NOT NULL,
    agent        TEXT    NOT NULL,
    address      TEXT    NOT NULL,
    device       TEXT    NOT NULL,
    created_at   INTEGER NOT NULL,
    seen_at      INTEGER NOT NULL,
    events       TEXT    NOT NULL,
    revision     INTEGER NOT NULL
) STRICT;
CREATE INDEX session_account ON session (account);
CREATE INDEX session_parent ON session (parent) WHERE parent <> '';

CREATE TABLE revocation_head (
    id    INTEGER NOT NULL PRIMARY KEY,
    epoch INTEGER NOT NULL,
    seq   INTEGER NOT NULL
) STRICT;
INSERT INTO revocation_head (id, epoch, seq) VALUES (1, 1, 0);

CREATE TABLE revocation_rule (
    epoch    INTEGER NOT NULL,
    seq      INTEGER NOT NULL,
    at       INTEGER NOT NULL,
    scope    TEXT    NOT NULL,
    id       TEXT    NOT NULL,
    from_at  INTEGER NOT NULL,
    until_at INTEGER NOT NULL,
    action   INTEGER NOT NULL,
    reason   TEXT    NOT NULL,
    PRIMARY KEY (epoch, seq)
) STRICT, WITHOUT ROWID;
CREATE INDEX revocation_rule_id ON revocation_rule (scope, id);
CREATE INDEX revocation_rule_until ON revocation_rule (until_at);
