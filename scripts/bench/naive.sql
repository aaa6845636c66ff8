\set list random(1, :lists)
\set half random(0, 1)
\set friend random(1, 100)
BEGIN;
UPDATE naive_lists SET last = last + 1 WHERE id = :list RETURNING last AS position \gset
INSERT INTO naive_entries (list, email, name, code, position)
    VALUES (:list, gen_random_uuid() || '@example.com', 'Somebody', gen_random_uuid()::text, :position);
\if :half
UPDATE naive_entries SET referrals = referrals + 1 WHERE list = :list AND position = :friend;
\endif
COMMIT;
