-- How many of the entries that are counted are tombstones. They take no place on a full list.
ALTER TABLE waitlist_totals ADD COLUMN erased bigint NOT NULL DEFAULT 0;
