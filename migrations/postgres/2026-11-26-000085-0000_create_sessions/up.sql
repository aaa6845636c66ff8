-- Sessions of the console. token is a hash. A link began a session without an API key. expires_at follows from the other two times.
CREATE TABLE sessions (
    id uuid PRIMARY KEY,
    token bytea NOT NULL,
    workspace_id uuid REFERENCES workspaces ON DELETE CASCADE,
    person text NOT NULL,
    scope text NOT NULL,
    api_key_id uuid,
    created_at timestamptz NOT NULL,
    seen_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL
);
CREATE INDEX sessions_workspace_id_idx ON sessions (workspace_id);
CREATE INDEX sessions_expires_at_idx ON sessions (expires_at);
