-- How far the rows of older referrals are written: up to which position entries that have a referrer were looked at, and up to which
-- position the counts of entries were compared with the rows. A sign-up moves both along if they are at the last position. A program that
-- does not know them leaves them behind, so that its referrals are found.
-- networks_position: up to which position networks are forgotten.
ALTER TABLE waitlist_totals ADD COLUMN ledger_position integer NOT NULL DEFAULT 0;
ALTER TABLE waitlist_totals ADD COLUMN ledger_compared integer NOT NULL DEFAULT 0;
ALTER TABLE waitlist_totals ADD COLUMN networks_position integer NOT NULL DEFAULT 0;
