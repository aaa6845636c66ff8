-- feed_turn: the order in which the events of a workspace that have no number were written. NULL: the event is not in the feed, because it
-- is a test, or older than the feed. feed_number: the place in the feed of the workspace, which an event gets after its commit.
ALTER TABLE events ADD COLUMN feed_turn integer;
ALTER TABLE events ADD COLUMN feed_number integer;
