DROP TRIGGER entries_forget_terms ON entries;
DROP FUNCTION forget_entry_terms();
ALTER TABLE waitlist_totals DROP COLUMN search_changes;
ALTER TABLE waitlist_totals DROP COLUMN search_position;
