-- Whether entries of the list have old codes. Sign-ups on other lists look for none.
ALTER TABLE waitlist_totals ADD COLUMN has_old_codes boolean NOT NULL DEFAULT false;
