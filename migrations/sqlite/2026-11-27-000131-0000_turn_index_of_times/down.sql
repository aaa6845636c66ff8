DROP INDEX entries_created_at_idx;
CREATE INDEX entries_created_at_idx ON entries (waitlist_id, created_at DESC, position);
