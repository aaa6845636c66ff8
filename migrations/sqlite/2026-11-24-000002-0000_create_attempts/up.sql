-- The log of attempts to deliver.
CREATE TABLE attempts (
    id blob NOT NULL PRIMARY KEY,
    webhook_id blob NOT NULL REFERENCES webhooks (id) ON DELETE CASCADE,
    event_id blob NOT NULL,
    kind text NOT NULL,
    number integer NOT NULL,
    status_code integer,
    response_body text,
    error_message text,
    latency_ms integer NOT NULL,
    created_at integer NOT NULL
) STRICT;
CREATE INDEX attempts_webhook_id_idx ON attempts (webhook_id, created_at DESC, id DESC);
CREATE INDEX attempts_created_at_idx ON attempts (created_at);
