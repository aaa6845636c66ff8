DROP INDEX deliveries_pending_idx;
-- Deliveries of earlier generations must stay unsent.
UPDATE deliveries SET state = 'held' FROM webhooks
    WHERE webhooks.id = deliveries.webhook_id AND deliveries.state IN ('pending', 'running')
    AND deliveries.generation NOT IN (-1, webhooks.generation);
ALTER TABLE deliveries DROP COLUMN generation;
ALTER TABLE webhooks DROP COLUMN generation;
CREATE INDEX deliveries_pending_idx ON deliveries (webhook_id, due_at, event_id) WHERE state = 'pending';
