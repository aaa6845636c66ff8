-- The transaction of a change writes its mail completely. Later settings change nothing in it.
-- pending: due at due_at; running: claimed until lease_until; done; dead: refused, or all attempts failed.
-- entry_id has no foreign key, like referred_by_entry_id of entries. The deletion of an entry deletes its mails.
CREATE TABLE mails (
    id blob PRIMARY KEY NOT NULL,
    workspace_id blob NOT NULL,
    waitlist_id blob NOT NULL REFERENCES waitlists (id) ON DELETE CASCADE,
    entry_id blob NOT NULL,
    template text NOT NULL,
    sender text NOT NULL,
    recipient text NOT NULL,
    data text NOT NULL,
    created_at integer NOT NULL,
    state text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'running', 'done', 'dead')),
    due_at integer NOT NULL,
    attempt integer NOT NULL DEFAULT 0,
    claim blob,
    lease_until integer,
    last_status integer
) STRICT;
-- The order is that of a claim.
CREATE INDEX mails_pending_idx ON mails (workspace_id, due_at, id) WHERE state = 'pending';
CREATE INDEX mails_running_idx ON mails (lease_until) WHERE state = 'running';
CREATE INDEX mails_created_at_idx ON mails (created_at, id);
CREATE INDEX mails_waitlist_id_idx ON mails (waitlist_id);
CREATE INDEX mails_entry_id_idx ON mails (entry_id);
