-- One row for each webhook that was subscribed when the event was written.
-- pending: due at due_at; running: claimed until lease_until; done; dead: all attempts failed; held: never sent.
CREATE TABLE deliveries (
    event_id uuid NOT NULL REFERENCES events ON DELETE CASCADE,
    webhook_id uuid NOT NULL REFERENCES webhooks ON DELETE CASCADE,
    state text NOT NULL CHECK (state IN ('pending', 'running', 'done', 'dead', 'held')),
    due_at timestamptz NOT NULL,
    attempt integer NOT NULL DEFAULT 0,
    claim uuid,
    lease_until timestamptz,
    PRIMARY KEY (webhook_id, event_id)
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 1000);
-- The order is that of a claim.
CREATE INDEX deliveries_pending_idx ON deliveries (webhook_id, due_at, event_id) WHERE state = 'pending';
CREATE INDEX deliveries_running_idx ON deliveries (lease_until) WHERE state = 'running';
CREATE INDEX deliveries_event_id_idx ON deliveries (event_id);
