-- The imports of a list, newest first. No other index has this order.
CREATE INDEX imports_waitlist_id_idx ON imports (waitlist_id, created_at DESC, id);
