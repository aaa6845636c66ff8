-- Deleting an entry drops what is undelivered of its events; purging a list deletes all of its events.
DROP INDEX events_waitlist_id_idx;
CREATE INDEX events_waitlist_id_idx ON events (waitlist_id, entry_id);
