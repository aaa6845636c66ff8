ALTER TABLE events DROP COLUMN feed_number, DROP COLUMN feed_turn;
