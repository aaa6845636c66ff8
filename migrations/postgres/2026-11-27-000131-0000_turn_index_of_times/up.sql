-- Read backwards for the newest first. A new entry then goes to the end of the index, where it costs least.
DROP INDEX entries_created_at_idx;
CREATE INDEX entries_created_at_idx ON entries (waitlist_id, created_at, position DESC);
