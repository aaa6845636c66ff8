-- The simplest implementation: a counter row for each list, and the same keys as in Rally.
CREATE TABLE naive_lists (id int PRIMARY KEY, last bigint NOT NULL) WITH (fillfactor = 50);
CREATE TABLE naive_entries (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    list int NOT NULL REFERENCES naive_lists,
    email text NOT NULL,
    name text NOT NULL,
    code text NOT NULL UNIQUE,
    position bigint NOT NULL,
    referrals bigint NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (list, email),
    UNIQUE (list, position)
);
INSERT INTO naive_lists SELECT n, 100 FROM generate_series(1, 100) n;
INSERT INTO naive_entries (list, email, name, code, position)
    SELECT l, 'p' || n || '@example.com', 'Somebody', gen_random_uuid()::text, n FROM generate_series(1, 100) l, generate_series(1, 100) n;
VACUUM ANALYZE;
