-- Links that begin a session of the console. token is a hash. A link that was used has no row.
CREATE TABLE sign_in_links (
    id uuid PRIMARY KEY,
    token bytea NOT NULL,
    workspace_id uuid REFERENCES workspaces ON DELETE CASCADE,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL
);
CREATE INDEX sign_in_links_workspace_id_idx ON sign_in_links (workspace_id);
CREATE INDEX sign_in_links_expires_at_idx ON sign_in_links (expires_at);
