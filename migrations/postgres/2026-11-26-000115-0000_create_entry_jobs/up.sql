-- Work on all entries of a list that a query finds, up to a position. mark: the position up to which entries were looked at. refused: why
-- entries were not changed, with numbers.
CREATE TABLE entry_jobs (
    id uuid PRIMARY KEY,
    workspace_id uuid NOT NULL,
    waitlist_id uuid NOT NULL,
    action text NOT NULL CHECK (action IN ('approve', 'reject', 'invite', 'delete', 'erase')),
    query text NOT NULL,
    until_position bigint NOT NULL,
    total bigint NOT NULL,
    state text NOT NULL CHECK (state IN ('queued', 'running', 'done', 'cancelled', 'failed')),
    mark bigint NOT NULL,
    changed bigint NOT NULL,
    refused text NOT NULL,
    actor text NOT NULL,
    claim uuid,
    lease_until timestamptz,
    created_at timestamptz NOT NULL,
    ended_at timestamptz
);
CREATE INDEX entry_jobs_open_idx ON entry_jobs (created_at, id) WHERE ended_at IS NULL;
CREATE INDEX entry_jobs_list_idx ON entry_jobs (waitlist_id, created_at DESC, id DESC);
CREATE INDEX entry_jobs_created_at_idx ON entry_jobs (created_at, id);
