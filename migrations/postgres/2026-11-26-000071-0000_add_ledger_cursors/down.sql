ALTER TABLE waitlist_totals DROP COLUMN networks_position, DROP COLUMN ledger_compared, DROP COLUMN ledger_position;
