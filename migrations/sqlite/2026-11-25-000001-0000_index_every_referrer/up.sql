-- With a partial index on IS NOT NULL, SQLite prepares a statement again for every value of a parameter that is compared with a
-- column of the table: the value might be NULL.
DROP INDEX entries_referred_by_idx;
CREATE INDEX entries_referred_by_idx ON entries (referred_by_entry_id);
