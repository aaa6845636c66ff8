-- feed_turn: the order in which events were written. Events of one list are written under the lock of the list, so it is the order of their
-- changes. NULL: the event is not in the feed, because it is a test, or older than the feed. feed_number: the place in the feed of the
-- workspace, which an event gets after its commit.
CREATE SEQUENCE events_feed_turn_seq;
ALTER TABLE events ADD COLUMN feed_turn bigint, ADD COLUMN feed_number bigint;
ALTER TABLE events ALTER COLUMN feed_turn SET DEFAULT nextval('events_feed_turn_seq');
ALTER SEQUENCE events_feed_turn_seq OWNED BY events.feed_turn;
