DROP INDEX entries_referred_by_idx;
CREATE INDEX entries_referred_by_idx ON entries (referred_by_entry_id) WHERE referred_by_entry_id IS NOT NULL;
