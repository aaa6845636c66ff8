DROP INDEX mails_tests_idx;
DROP INDEX mails_log_idx;
UPDATE mails SET state = 'dead' WHERE state = 'expired';
PRAGMA writable_schema = ON;
UPDATE sqlite_schema SET sql = replace(sql, '''done'', ''dead'', ''suppressed'', ''expired'')', '''done'', ''dead'', ''suppressed'')')
    WHERE type = 'table' AND name = 'mails';
CREATE TABLE schema_has_changed (id integer) STRICT;
DROP TABLE schema_has_changed;
PRAGMA writable_schema = RESET;
