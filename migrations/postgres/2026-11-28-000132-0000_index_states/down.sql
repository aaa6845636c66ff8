DROP INDEX deliveries_dead_idx;
DROP INDEX signup_requests_decided_idx;
DROP INDEX signup_requests_requested_at_idx;
CREATE INDEX signup_requests_requested_at_idx ON signup_requests (waitlist_id, requested_at, id);
DROP INDEX mails_finished_idx;
CREATE INDEX mails_created_at_idx ON mails (created_at);
