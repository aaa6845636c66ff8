-- As it is: SQLite always takes the unique index for a lookup by all of its columns.
SELECT 1;
