-- Purges: rows that a deletion left and that any process deletes in batches.
-- waitlist, webhook: the row itself is deleted, but rows that belong to it are left. entry: the entry is deleted, but others still
-- name it as their referrer. held: a webhook was disabled or enabled, and its deliveries of earlier generations are to be held.
-- after_position and after_id: how far the purge has come.
CREATE TABLE purges (
    kind text NOT NULL CHECK (kind IN ('waitlist', 'webhook', 'entry', 'held')),
    target uuid NOT NULL,
    waitlist_id uuid,
    after_position bigint NOT NULL DEFAULT 0,
    after_id uuid,
    PRIMARY KEY (kind, target)
);
