-- The events of a workspace that wait for their number, and those that have one.
CREATE INDEX events_feed_turn_idx ON events (workspace_id, feed_turn) WHERE feed_number IS NULL AND feed_turn IS NOT NULL;
CREATE INDEX events_feed_number_idx ON events (workspace_id, feed_number) WHERE feed_number IS NOT NULL;
