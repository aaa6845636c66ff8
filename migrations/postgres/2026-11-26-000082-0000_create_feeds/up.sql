-- The feeds that somebody has read. The row is the lock under which the events of a workspace get their numbers.
CREATE TABLE feeds (
    workspace_id uuid PRIMARY KEY REFERENCES workspaces ON DELETE CASCADE,
    last_number bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 50);
