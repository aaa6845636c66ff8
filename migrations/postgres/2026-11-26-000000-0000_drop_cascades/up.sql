-- A deletion must be short, however many rows belong to the object. One transaction deletes the row of a list or a webhook.
-- The rows that belonged to it are purged in batches: see purges.
ALTER TABLE entries DROP CONSTRAINT entries_waitlist_id_fkey;
ALTER TABLE waitlist_days DROP CONSTRAINT waitlist_days_waitlist_id_fkey;
ALTER TABLE waitlist_sources DROP CONSTRAINT waitlist_sources_waitlist_id_fkey;
ALTER TABLE events DROP CONSTRAINT events_waitlist_id_fkey;
ALTER TABLE mails DROP CONSTRAINT mails_waitlist_id_fkey;
ALTER TABLE deliveries DROP CONSTRAINT deliveries_webhook_id_fkey;
ALTER TABLE attempts DROP CONSTRAINT attempts_webhook_id_fkey;
