-- No change: PostgreSQL plans a statement once, also with a partial index.
SELECT 1;
