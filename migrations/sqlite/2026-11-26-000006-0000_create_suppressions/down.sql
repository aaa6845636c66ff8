DELETE FROM purges WHERE kind = 'workspace';
PRAGMA writable_schema = ON;
UPDATE sqlite_schema SET sql = replace(sql, '''entry'', ''held'', ''workspace'')', '''entry'', ''held'')')
    WHERE type = 'table' AND name = 'purges';
CREATE TABLE schema_has_changed (id integer) STRICT;
DROP TABLE schema_has_changed;
PRAGMA writable_schema = RESET;
DROP TABLE suppressions;
