-- One row for each webhook that was subscribed when the event was written.
-- pending: due at due_at; running: claimed until lease_until; done; dead: all attempts failed; held: never sent.
CREATE TABLE deliveries (
    event_id blob NOT NULL REFERENCES events (id) ON DELETE CASCADE,
    webhook_id blob NOT NULL REFERENCES webhooks (id) ON DELETE CASCADE,
    state text NOT NULL CHECK (state IN ('pending', 'running', 'done', 'dead', 'held')),
    due_at integer NOT NULL,
    attempt integer NOT NULL DEFAULT 0,
    claim blob,
    lease_until integer,
    PRIMARY KEY (webhook_id, event_id)
) STRICT;
-- The order is that of a claim.
CREATE INDEX deliveries_pending_idx ON deliveries (webhook_id, due_at, event_id) WHERE state = 'pending';
CREATE INDEX deliveries_running_idx ON deliveries (lease_until) WHERE state = 'running';
CREATE INDEX deliveries_event_id_idx ON deliveries (event_id);
