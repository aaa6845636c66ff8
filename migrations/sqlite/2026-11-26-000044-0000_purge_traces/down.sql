DELETE FROM purges WHERE kind = 'traces';
PRAGMA writable_schema = ON;
UPDATE sqlite_schema SET sql = replace(sql, '''workspace'', ''traces'')', '''workspace'')')
    WHERE type = 'table' AND name = 'purges';
CREATE TABLE schema_has_changed (id integer) STRICT;
DROP TABLE schema_has_changed;
PRAGMA writable_schema = RESET;
