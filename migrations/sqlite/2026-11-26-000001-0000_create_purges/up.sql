-- What was deleted and is still to be purged, in batches.
-- waitlist, webhook: its row is gone, and what belonged to it is not yet. entry: it is gone, and those it referred still name
-- it. held: a webhook was switched off or on, and what waited for it before is to be held.
-- after_position and after_id: how far the purge has come.
CREATE TABLE purges (
    kind text NOT NULL CHECK (kind IN ('waitlist', 'webhook', 'entry', 'held')),
    target blob NOT NULL,
    waitlist_id blob,
    after_position integer NOT NULL DEFAULT 0,
    after_id blob,
    PRIMARY KEY (kind, target)
) STRICT, WITHOUT ROWID;
