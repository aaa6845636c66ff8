-- The transaction of a change writes its event. A test event may belong to no waitlist.
CREATE TABLE events (
    id blob NOT NULL PRIMARY KEY,
    workspace_id blob NOT NULL,
    waitlist_id blob REFERENCES waitlists (id) ON DELETE CASCADE,
    entry_id blob,
    kind text NOT NULL,
    body text NOT NULL,
    occurred_at integer NOT NULL
) STRICT;
CREATE INDEX events_occurred_at_idx ON events (occurred_at, id);
CREATE INDEX events_waitlist_id_idx ON events (waitlist_id);
