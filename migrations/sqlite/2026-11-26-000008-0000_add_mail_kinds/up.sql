-- address is the keyed hash of the recipient.
-- Mail over SMTP has no template and may have no sender of its own: both are empty texts. Mail of older programs has no kind.
ALTER TABLE mails ADD COLUMN kind text;
ALTER TABLE mails ADD COLUMN locale text;
ALTER TABLE mails ADD COLUMN via text NOT NULL DEFAULT 'envoi';
ALTER TABLE mails ADD COLUMN reply_to text;
ALTER TABLE mails ADD COLUMN last_error text;
ALTER TABLE mails ADD COLUMN sent_at integer;
ALTER TABLE mails ADD COLUMN address blob;
-- suppressed: the address got no mail when this one was due. SQLite has no statement that changes a check: see drop_cascades.
PRAGMA writable_schema = ON;
UPDATE sqlite_schema SET sql = replace(sql, '''done'', ''dead'')', '''done'', ''dead'', ''suppressed'')')
    WHERE type = 'table' AND name = 'mails';
CREATE TABLE schema_has_changed (id integer) STRICT;
DROP TABLE schema_has_changed;
PRAGMA writable_schema = RESET;
