ALTER TABLE waitlist_totals DROP COLUMN search_changes;
ALTER TABLE waitlist_totals DROP COLUMN search_position;
