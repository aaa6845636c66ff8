-- Links that begin a session of the console. token is a hash. A link that was used has no row.
CREATE TABLE sign_in_links (
    id blob PRIMARY KEY NOT NULL,
    token blob NOT NULL,
    workspace_id blob REFERENCES workspaces (id) ON DELETE CASCADE,
    created_at integer NOT NULL,
    expires_at integer NOT NULL
) STRICT;
CREATE INDEX sign_in_links_workspace_id_idx ON sign_in_links (workspace_id);
CREATE INDEX sign_in_links_expires_at_idx ON sign_in_links (expires_at);
