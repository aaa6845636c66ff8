-- The encrypted replies of requests with an Idempotency-Key. The transaction of the effect stores them.
CREATE TABLE stored_replies (
    workspace_id uuid NOT NULL REFERENCES workspaces ON DELETE CASCADE,
    route text NOT NULL,
    key text NOT NULL,
    fingerprint bytea NOT NULL,
    sealed bytea NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (workspace_id, route, key)
);
CREATE INDEX stored_replies_created_at_idx ON stored_replies (created_at);
