-- Mail to a sign-up request has no entry, and the test of a template belongs to no list.
ALTER TABLE mails ADD COLUMN request_id blob;
-- SQLite has no statement that changes a constraint: see drop_cascades.
PRAGMA writable_schema = ON;
UPDATE sqlite_schema SET sql = replace(replace(sql, 'waitlist_id blob NOT NULL', 'waitlist_id blob'), 'entry_id blob NOT NULL', 'entry_id blob')
    WHERE type = 'table' AND name = 'mails';
CREATE TABLE schema_has_changed (id integer) STRICT;
DROP TABLE schema_has_changed;
PRAGMA writable_schema = RESET;
