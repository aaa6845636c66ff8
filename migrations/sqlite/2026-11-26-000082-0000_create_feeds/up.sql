-- The feeds that somebody has read.
CREATE TABLE feeds (
    workspace_id blob NOT NULL PRIMARY KEY REFERENCES workspaces (id) ON DELETE CASCADE,
    last_number integer NOT NULL DEFAULT 0
) STRICT;
