-- A deletion must not grow with what it deletes. The row of a list or a webhook goes in one short transaction, and what
-- belonged to it is purged in batches: see purges.
-- SQLite has no statement that drops a foreign key; this is the way that its documentation gives (ALTER TABLE, "Making Other
-- Kinds Of Table Schema Changes"). It copies no rows.
PRAGMA writable_schema = ON;
UPDATE sqlite_schema SET sql = replace(sql, ' REFERENCES waitlists (id) ON DELETE CASCADE', '')
    WHERE type = 'table' AND name IN ('entries', 'waitlist_days', 'waitlist_sources', 'events', 'mails');
UPDATE sqlite_schema SET sql = replace(sql, ' REFERENCES webhooks (id) ON DELETE CASCADE', '')
    WHERE type = 'table' AND name IN ('deliveries', 'attempts');
-- A change of the schema that other connections see.
CREATE TABLE schema_has_changed (id integer) STRICT;
DROP TABLE schema_has_changed;
PRAGMA writable_schema = RESET;
