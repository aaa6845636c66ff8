-- Dead deliveries are few, and are looked for among many. due_at is the time when their last attempt was due.
CREATE INDEX deliveries_dead_idx ON deliveries (webhook_id, due_at) WHERE state = 'dead';
-- Requests that wait are counted and listed. Decided ones stay until their link expires, and are looked for by their list alone.
DROP INDEX signup_requests_requested_at_idx;
CREATE INDEX signup_requests_requested_at_idx ON signup_requests (waitlist_id, requested_at, id) WHERE state = 'waiting';
CREATE INDEX signup_requests_decided_idx ON signup_requests (waitlist_id) WHERE state <> 'waiting';
-- Only finished mail is pruned.
DROP INDEX mails_created_at_idx;
CREATE INDEX mails_finished_idx ON mails (created_at, id) WHERE state IN ('done', 'dead', 'suppressed', 'expired');
