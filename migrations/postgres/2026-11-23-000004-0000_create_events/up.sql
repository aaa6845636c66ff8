-- The transaction of a change writes its event. A test event may belong to no waitlist.
CREATE TABLE events (
    id uuid PRIMARY KEY,
    workspace_id uuid NOT NULL,
    waitlist_id uuid REFERENCES waitlists ON DELETE CASCADE,
    entry_id uuid,
    kind text NOT NULL,
    body text NOT NULL,
    occurred_at timestamptz NOT NULL
);
CREATE INDEX events_occurred_at_idx ON events (occurred_at, id);
CREATE INDEX events_waitlist_id_idx ON events (waitlist_id);
