DELETE FROM mails WHERE entry_id IS NULL;
ALTER TABLE mails DROP COLUMN request_id;
PRAGMA writable_schema = ON;
UPDATE sqlite_schema SET sql = replace(replace(sql, 'waitlist_id blob', 'waitlist_id blob NOT NULL'), 'entry_id blob', 'entry_id blob NOT NULL')
    WHERE type = 'table' AND name = 'mails';
CREATE TABLE schema_has_changed (id integer) STRICT;
DROP TABLE schema_has_changed;
PRAGMA writable_schema = RESET;
