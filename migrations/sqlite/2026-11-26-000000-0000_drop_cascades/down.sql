DELETE FROM attempts WHERE webhook_id NOT IN (SELECT id FROM webhooks);
DELETE FROM deliveries WHERE webhook_id NOT IN (SELECT id FROM webhooks);
DELETE FROM mails WHERE waitlist_id NOT IN (SELECT id FROM waitlists);
DELETE FROM events WHERE waitlist_id NOT IN (SELECT id FROM waitlists);
DELETE FROM waitlist_sources WHERE waitlist_id NOT IN (SELECT id FROM waitlists);
DELETE FROM waitlist_days WHERE waitlist_id NOT IN (SELECT id FROM waitlists);
DELETE FROM entries WHERE waitlist_id NOT IN (SELECT id FROM waitlists);
PRAGMA writable_schema = ON;
UPDATE sqlite_schema
    SET sql = replace(sql, 'waitlist_id blob NOT NULL,', 'waitlist_id blob NOT NULL REFERENCES waitlists (id) ON DELETE CASCADE,')
    WHERE type = 'table' AND name IN ('entries', 'waitlist_days', 'waitlist_sources', 'mails');
UPDATE sqlite_schema SET sql = replace(sql, 'waitlist_id blob,', 'waitlist_id blob REFERENCES waitlists (id) ON DELETE CASCADE,')
    WHERE type = 'table' AND name = 'events';
UPDATE sqlite_schema
    SET sql = replace(sql, 'webhook_id blob NOT NULL,', 'webhook_id blob NOT NULL REFERENCES webhooks (id) ON DELETE CASCADE,')
    WHERE type = 'table' AND name IN ('deliveries', 'attempts');
CREATE TABLE schema_has_changed (id integer) STRICT;
DROP TABLE schema_has_changed;
PRAGMA writable_schema = RESET;
