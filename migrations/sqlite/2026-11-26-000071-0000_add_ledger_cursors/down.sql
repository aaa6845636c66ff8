ALTER TABLE waitlist_totals DROP COLUMN networks_position;
ALTER TABLE waitlist_totals DROP COLUMN ledger_compared;
ALTER TABLE waitlist_totals DROP COLUMN ledger_position;
