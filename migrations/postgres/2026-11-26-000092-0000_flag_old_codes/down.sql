ALTER TABLE waitlist_totals DROP COLUMN has_old_codes;
