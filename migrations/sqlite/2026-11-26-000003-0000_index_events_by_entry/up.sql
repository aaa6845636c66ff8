-- The deletion of an entry deletes the undelivered deliveries of its events. The purge of a list deletes all its events.
DROP INDEX events_waitlist_id_idx;
CREATE INDEX events_waitlist_id_idx ON events (waitlist_id, entry_id);
