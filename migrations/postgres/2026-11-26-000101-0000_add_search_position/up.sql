-- Up to which position the terms of entries are written, and how often something before it has changed.
ALTER TABLE waitlist_totals ADD COLUMN search_position bigint NOT NULL DEFAULT 0;
ALTER TABLE waitlist_totals ADD COLUMN search_changes bigint NOT NULL DEFAULT 0;
CREATE FUNCTION forget_entry_terms() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM entry_terms WHERE waitlist_id = OLD.waitlist_id AND position = OLD.position;
    UPDATE waitlist_totals SET search_changes = search_changes + 1 WHERE waitlist_id = OLD.waitlist_id;
    RETURN NULL;
END $$;
CREATE TRIGGER entries_forget_terms AFTER DELETE ON entries FOR EACH ROW EXECUTE FUNCTION forget_entry_terms();
