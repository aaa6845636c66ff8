ALTER TABLE events DROP COLUMN feed_number;
ALTER TABLE events DROP COLUMN feed_turn;
