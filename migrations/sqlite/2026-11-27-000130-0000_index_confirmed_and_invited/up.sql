-- Entries whose person has confirmed the address, and those who were invited. Both may be few on a large list.
CREATE INDEX entries_confirmed_at_idx ON entries (waitlist_id, confirmed_at) WHERE confirmed_at IS NOT NULL;
CREATE INDEX entries_invited_at_idx ON entries (waitlist_id, invited_at) WHERE invited_at IS NOT NULL;
