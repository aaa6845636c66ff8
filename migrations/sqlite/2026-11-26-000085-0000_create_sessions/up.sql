-- Sessions of the console. token is a hash. A link began a session without an API key. expires_at follows from the other two times.
CREATE TABLE sessions (
    id blob PRIMARY KEY NOT NULL,
    token blob NOT NULL,
    workspace_id blob REFERENCES workspaces (id) ON DELETE CASCADE,
    person text NOT NULL,
    scope text NOT NULL,
    api_key_id blob,
    created_at integer NOT NULL,
    seen_at integer NOT NULL,
    expires_at integer NOT NULL
) STRICT;
CREATE INDEX sessions_workspace_id_idx ON sessions (workspace_id);
CREATE INDEX sessions_expires_at_idx ON sessions (expires_at);
