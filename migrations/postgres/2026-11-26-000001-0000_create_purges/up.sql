-- What was deleted and is still to be purged, in batches, by whichever process has time.
-- waitlist, webhook: its row is gone, and what belonged to it is not yet. entry: it is gone, and those it referred still name
-- it. held: a webhook was switched off or on, and what waited for it before is to be held.
-- after_position and after_id: how far the purge has come.
CREATE TABLE purges (
    kind text NOT NULL CHECK (kind IN ('waitlist', 'webhook', 'entry', 'held')),
    target uuid NOT NULL,
    waitlist_id uuid,
    after_position bigint NOT NULL DEFAULT 0,
    after_id uuid,
    PRIMARY KEY (kind, target)
);
