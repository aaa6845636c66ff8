-- A webhook's generation counts how often it was disabled or enabled. A delivery is sent only while its webhook has the
-- generation that the delivery was written for. -1: an older program wrote the delivery; it belongs to the current generation.
ALTER TABLE webhooks ADD COLUMN generation integer NOT NULL DEFAULT 0;
ALTER TABLE deliveries ADD COLUMN generation integer NOT NULL DEFAULT -1;
-- The order is that of a claim.
DROP INDEX deliveries_pending_idx;
CREATE INDEX deliveries_pending_idx ON deliveries (webhook_id, generation, due_at, event_id) WHERE state = 'pending';
