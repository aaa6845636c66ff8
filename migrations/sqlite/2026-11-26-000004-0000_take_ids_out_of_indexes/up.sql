-- No change: SQLite always uses the unique index for a lookup by all of its columns.
SELECT 1;
