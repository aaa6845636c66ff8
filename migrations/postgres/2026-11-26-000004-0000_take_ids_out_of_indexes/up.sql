-- Only the primary key must lead to a row by its id. PostgreSQL can also read an index that holds the id behind other columns,
-- from one end to the other. If the table was empty when the plan was made, both look the same to the planner.
-- Such an index also ordered rows of the same instant by id. Now a sort of these few rows does that.
DROP INDEX waitlists_newest_idx;
CREATE INDEX waitlists_newest_idx ON waitlists (workspace_id, created_at DESC);
DROP INDEX variants_oldest_idx;
CREATE INDEX variants_oldest_idx ON variants (waitlist_id, created_at);
DROP INDEX webhooks_workspace_id_idx;
CREATE INDEX webhooks_workspace_id_idx ON webhooks (workspace_id, created_at);
DROP INDEX api_keys_workspace_id_idx;
CREATE INDEX api_keys_workspace_id_idx ON api_keys (workspace_id, created_at);
DROP INDEX events_occurred_at_idx;
CREATE INDEX events_occurred_at_idx ON events (occurred_at);
DROP INDEX attempts_webhook_id_idx;
CREATE INDEX attempts_webhook_id_idx ON attempts (webhook_id, created_at DESC);
DROP INDEX mails_created_at_idx;
CREATE INDEX mails_created_at_idx ON mails (created_at);
