-- Over a partial index on IS NOT NULL, SQLite prepares every statement that compares a column of the table with a parameter
-- anew for each value: it might be NULL.
DROP INDEX entries_referred_by_idx;
CREATE INDEX entries_referred_by_idx ON entries (referred_by_entry_id);
