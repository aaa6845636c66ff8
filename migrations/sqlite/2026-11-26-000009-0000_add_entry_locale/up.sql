-- The language that a person asked for, and how often the link of the person was replaced.
ALTER TABLE entries ADD COLUMN locale text;
ALTER TABLE entries ADD COLUMN link_generation integer NOT NULL DEFAULT 0;
