DROP INDEX events_waitlist_id_idx;
CREATE INDEX events_waitlist_id_idx ON events (waitlist_id);
