-- The outbox: written by the transaction of the change an event reports.
CREATE TABLE events (
    id uuid PRIMARY KEY,
    workspace_id uuid NOT NULL,
    waitlist_id uuid NOT NULL REFERENCES waitlists ON DELETE CASCADE,
    entry_id uuid NOT NULL,
    kind text NOT NULL,
    body text NOT NULL,
    occurred_at timestamptz NOT NULL,
    relayed_at timestamptz
);
CREATE INDEX events_pending_idx ON events (occurred_at, id) WHERE relayed_at IS NULL;
CREATE INDEX events_waitlist_id_idx ON events (waitlist_id);
