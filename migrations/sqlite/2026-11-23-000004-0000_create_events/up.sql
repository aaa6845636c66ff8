-- The outbox: written by the transaction of the change an event reports.
CREATE TABLE events (
    id blob NOT NULL PRIMARY KEY,
    workspace_id blob NOT NULL,
    waitlist_id blob NOT NULL REFERENCES waitlists (id) ON DELETE CASCADE,
    entry_id blob NOT NULL,
    kind text NOT NULL,
    body text NOT NULL,
    occurred_at integer NOT NULL,
    relayed_at integer
) STRICT;
CREATE INDEX events_pending_idx ON events (occurred_at, id) WHERE relayed_at IS NULL;
CREATE INDEX events_waitlist_id_idx ON events (waitlist_id);
