ALTER TABLE entries
    DROP COLUMN link_generation,
    DROP COLUMN locale;
