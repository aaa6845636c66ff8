-- Work on all entries of a list that a query finds, up to a position. mark: the position up to which entries were looked at. refused: why
-- entries were not changed, with numbers.
CREATE TABLE entry_jobs (
    id blob NOT NULL PRIMARY KEY,
    workspace_id blob NOT NULL,
    waitlist_id blob NOT NULL,
    action text NOT NULL CHECK (action IN ('approve', 'reject', 'invite', 'delete', 'erase')),
    query text NOT NULL,
    until_position integer NOT NULL,
    total integer NOT NULL,
    state text NOT NULL CHECK (state IN ('queued', 'running', 'done', 'cancelled', 'failed')),
    mark integer NOT NULL,
    changed integer NOT NULL,
    refused text NOT NULL,
    actor text NOT NULL,
    claim blob,
    lease_until integer,
    created_at integer NOT NULL,
    ended_at integer
) STRICT;
CREATE INDEX entry_jobs_open_idx ON entry_jobs (created_at, id) WHERE ended_at IS NULL;
CREATE INDEX entry_jobs_list_idx ON entry_jobs (waitlist_id, created_at DESC, id DESC);
CREATE INDEX entry_jobs_created_at_idx ON entry_jobs (created_at, id);
