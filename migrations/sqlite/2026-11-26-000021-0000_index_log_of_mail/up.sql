-- expired: the mail would have come too late. SQLite has no statement that changes a check: see drop_cascades.
PRAGMA writable_schema = ON;
UPDATE sqlite_schema SET sql = replace(sql, '''done'', ''dead'', ''suppressed'')', '''done'', ''dead'', ''suppressed'', ''expired'')')
    WHERE type = 'table' AND name = 'mails';
CREATE TABLE schema_has_changed (id integer) STRICT;
DROP TABLE schema_has_changed;
PRAGMA writable_schema = RESET;
-- The log of a workspace, filtered by state and kind. Mail of older programs has no kind.
CREATE INDEX mails_log_idx ON mails (workspace_id, state, COALESCE(kind, 'welcome'), created_at, id);
-- Mails that try a template belong to no list. They are counted.
CREATE INDEX mails_tests_idx ON mails (workspace_id, created_at) WHERE waitlist_id IS NULL;
