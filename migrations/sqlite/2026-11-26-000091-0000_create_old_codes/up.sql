-- Codes that people shared before they were imported. Case matters.
CREATE TABLE old_codes (
    waitlist_id blob NOT NULL,
    code text NOT NULL,
    entry_id blob NOT NULL,
    created_at integer NOT NULL,
    PRIMARY KEY (waitlist_id, code)
) STRICT;
CREATE INDEX old_codes_entry_id_idx ON old_codes (entry_id);
