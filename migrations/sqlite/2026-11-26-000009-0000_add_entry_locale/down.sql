ALTER TABLE entries DROP COLUMN link_generation;
ALTER TABLE entries DROP COLUMN locale;
