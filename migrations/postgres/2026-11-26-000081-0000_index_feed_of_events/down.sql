DROP INDEX events_feed_number_idx;
DROP INDEX events_feed_turn_idx;
