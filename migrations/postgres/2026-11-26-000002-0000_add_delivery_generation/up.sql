-- A webhook's generation counts how often it was switched off or on. A delivery is sent only while its webhook has the
-- generation it was written for. -1: written by a program that knows no generations; it is of the webhook's current one.
ALTER TABLE webhooks ADD COLUMN generation bigint NOT NULL DEFAULT 0;
ALTER TABLE deliveries ADD COLUMN generation bigint NOT NULL DEFAULT -1;
-- Equal to the order of a claim.
DROP INDEX deliveries_pending_idx;
CREATE INDEX deliveries_pending_idx ON deliveries (webhook_id, generation, due_at, event_id) WHERE state = 'pending';
