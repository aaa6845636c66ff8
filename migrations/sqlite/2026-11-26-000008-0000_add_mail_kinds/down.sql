UPDATE mails SET state = 'dead' WHERE state = 'suppressed';
PRAGMA writable_schema = ON;
UPDATE sqlite_schema SET sql = replace(sql, '''done'', ''dead'', ''suppressed'')', '''done'', ''dead'')')
    WHERE type = 'table' AND name = 'mails';
CREATE TABLE schema_has_changed (id integer) STRICT;
DROP TABLE schema_has_changed;
PRAGMA writable_schema = RESET;
ALTER TABLE mails DROP COLUMN address;
ALTER TABLE mails DROP COLUMN sent_at;
ALTER TABLE mails DROP COLUMN last_error;
ALTER TABLE mails DROP COLUMN reply_to;
ALTER TABLE mails DROP COLUMN via;
ALTER TABLE mails DROP COLUMN locale;
ALTER TABLE mails DROP COLUMN kind;
