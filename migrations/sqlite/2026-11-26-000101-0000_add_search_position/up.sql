-- Up to which position the terms of entries are written, and how often something before it has changed. The second one serves stores with
-- several writers.
ALTER TABLE waitlist_totals ADD COLUMN search_position integer NOT NULL DEFAULT 0;
ALTER TABLE waitlist_totals ADD COLUMN search_changes integer NOT NULL DEFAULT 0;
