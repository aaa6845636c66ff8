-- Entries of a list, the newest first. Imports keep the time of the sign-up, so that positions do not say it.
CREATE INDEX entries_created_at_idx ON entries (waitlist_id, created_at DESC, position);
