CREATE TABLE api_keys (
    id blob NOT NULL PRIMARY KEY,
    workspace_id blob NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    name text NOT NULL,
    scope text NOT NULL,
    prefix text NOT NULL,
    hash blob NOT NULL,
    created_at integer NOT NULL,
    revoked_at integer
) STRICT;
CREATE INDEX api_keys_prefix_idx ON api_keys (prefix);
CREATE INDEX api_keys_workspace_id_idx ON api_keys (workspace_id, created_at, id);
