-- events: names of events, separated by commas, in the order of the request.
-- secret and previous_secret are encrypted by the application.
CREATE TABLE webhooks (
    id uuid PRIMARY KEY,
    workspace_id uuid NOT NULL REFERENCES workspaces ON DELETE CASCADE,
    url text NOT NULL,
    events text NOT NULL,
    active boolean NOT NULL,
    secret bytea NOT NULL,
    previous_secret bytea,
    previous_secret_until timestamptz,
    failure_count bigint NOT NULL DEFAULT 0,
    first_failure_at timestamptz,
    last_status_code integer,
    last_attempt_at timestamptz,
    auto_disabled_at timestamptz,
    created_at timestamptz NOT NULL
);
CREATE INDEX webhooks_workspace_id_idx ON webhooks (workspace_id, created_at, id);
