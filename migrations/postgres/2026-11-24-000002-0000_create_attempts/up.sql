-- The log of attempts to deliver.
CREATE TABLE attempts (
    id uuid PRIMARY KEY,
    webhook_id uuid NOT NULL REFERENCES webhooks ON DELETE CASCADE,
    event_id uuid NOT NULL,
    kind text NOT NULL,
    number integer NOT NULL,
    status_code integer,
    response_body text,
    error_message text,
    latency_ms bigint NOT NULL,
    created_at timestamptz NOT NULL
);
CREATE INDEX attempts_webhook_id_idx ON attempts (webhook_id, created_at DESC, id DESC);
CREATE INDEX attempts_created_at_idx ON attempts (created_at);
