ALTER TABLE waitlist_totals DROP COLUMN erased;
