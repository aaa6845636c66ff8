-- The terms by which search finds entries. A worker writes them after the sign-up. A foreign key would look each entry up again and lock it,
-- so a trigger takes the terms of a deleted entry along, also of one that an older program deletes.
CREATE TABLE entry_terms (
    waitlist_id uuid NOT NULL,
    position bigint NOT NULL,
    term text COLLATE "C" NOT NULL,
    PRIMARY KEY (waitlist_id, position, term)
);
CREATE INDEX entry_terms_term_idx ON entry_terms (waitlist_id, term, position);
