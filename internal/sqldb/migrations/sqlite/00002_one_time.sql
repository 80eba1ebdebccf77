-- +goose Up
CREATE TABLE one_time (
    hash       TEXT    NOT NULL PRIMARY KEY,
    purpose    TEXT    NOT NULL,
    subject    TEXT    NOT NULL,
    issued_at  INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX one_time_subject ON one_time (subject, purpose);
CREATE INDEX one_time_expires ON one_time (expires_at);
