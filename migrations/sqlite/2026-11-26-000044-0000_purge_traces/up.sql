-- traces: an entry was erased, and other tables still have data of the person.
-- SQLite has no statement that changes a check: see drop_cascades.
PRAGMA writable_schema = ON;
UPDATE sqlite_schema SET sql = replace(sql, '''workspace'')', '''workspace'', ''traces'')')
    WHERE type = 'table' AND name = 'purges';
CREATE TABLE schema_has_changed (id integer) STRICT;
DROP TABLE schema_has_changed;
PRAGMA writable_schema = RESET;
