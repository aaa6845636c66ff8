-- The encrypted replies of requests with an Idempotency-Key. The transaction of the effect stores them.
CREATE TABLE stored_replies (
    workspace_id blob NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    route text NOT NULL,
    key text NOT NULL,
    fingerprint blob NOT NULL,
    sealed blob NOT NULL,
    created_at integer NOT NULL,
    PRIMARY KEY (workspace_id, route, key)
) STRICT;
CREATE INDEX stored_replies_created_at_idx ON stored_replies (created_at);
