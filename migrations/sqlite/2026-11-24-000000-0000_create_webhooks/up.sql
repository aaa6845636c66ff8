-- events: names of events, separated by commas, in the order of the request.
-- secret and previous_secret are encrypted by the application.
CREATE TABLE webhooks (
    id blob NOT NULL PRIMARY KEY,
    workspace_id blob NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    url text NOT NULL,
    events text NOT NULL,
    active integer NOT NULL,
    secret blob NOT NULL,
    previous_secret blob,
    previous_secret_until integer,
    failure_count integer NOT NULL DEFAULT 0,
    first_failure_at integer,
    last_status_code integer,
    last_attempt_at integer,
    auto_disabled_at integer,
    created_at integer NOT NULL
) STRICT;
CREATE INDEX webhooks_workspace_id_idx ON webhooks (workspace_id, created_at, id);
