-- A deletion must be short, however many rows belong to the object. One transaction deletes the row of a list or a webhook.
-- The rows that belonged to it are purged in batches: see purges.
-- SQLite has no statement that drops a foreign key. Its documentation gives this way (ALTER TABLE, "Making Other Kinds Of Table
-- Schema Changes"). It copies no rows.
PRAGMA writable_schema = ON;
UPDATE sqlite_schema SET sql = replace(sql, ' REFERENCES waitlists (id) ON DELETE CASCADE', '')
    WHERE type = 'table' AND name IN ('entries', 'waitlist_days', 'waitlist_sources', 'events', 'mails');
UPDATE sqlite_schema SET sql = replace(sql, ' REFERENCES webhooks (id) ON DELETE CASCADE', '')
    WHERE type = 'table' AND name IN ('deliveries', 'attempts');
-- This changes the schema in a way that other connections notice.
CREATE TABLE schema_has_changed (id integer) STRICT;
DROP TABLE schema_has_changed;
PRAGMA writable_schema = RESET;
