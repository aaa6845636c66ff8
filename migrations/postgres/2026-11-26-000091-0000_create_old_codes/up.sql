-- Codes that people shared before they were imported. Case matters.
CREATE TABLE old_codes (
    waitlist_id uuid NOT NULL,
    code text COLLATE "C" NOT NULL,
    entry_id uuid NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (waitlist_id, code)
);
CREATE INDEX old_codes_entry_id_idx ON old_codes (entry_id);
