-- Whether entries of the list have old codes. Sign-ups on other lists look for none.
ALTER TABLE waitlist_totals ADD COLUMN has_old_codes integer NOT NULL DEFAULT 0 CHECK (has_old_codes IN (0, 1));
