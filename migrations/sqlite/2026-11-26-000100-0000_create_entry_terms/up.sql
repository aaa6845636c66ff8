-- The terms by which search finds entries. A worker writes them after the sign-up. A foreign key would look each entry up again, so a trigger
-- takes the terms of a deleted entry along, also of one that an older program deletes.
CREATE TABLE entry_terms (
    waitlist_id blob NOT NULL,
    position integer NOT NULL,
    term text NOT NULL,
    PRIMARY KEY (waitlist_id, position, term)
) STRICT, WITHOUT ROWID;
CREATE INDEX entry_terms_term_idx ON entry_terms (waitlist_id, term, position);
CREATE TRIGGER entries_forget_terms AFTER DELETE ON entries FOR EACH ROW
BEGIN
    DELETE FROM entry_terms WHERE waitlist_id = old.waitlist_id AND position = old.position;
END;
