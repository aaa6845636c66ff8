-- address is the keyed hash of the recipient.
-- Mail over SMTP has no template and may have no sender of its own: both are empty texts. Mail of older programs has no kind.
ALTER TABLE mails
    ADD COLUMN kind text,
    ADD COLUMN locale text,
    ADD COLUMN via text NOT NULL DEFAULT 'envoi',
    ADD COLUMN reply_to text,
    ADD COLUMN last_error text,
    ADD COLUMN sent_at timestamptz,
    ADD COLUMN address bytea;
-- suppressed: the address got no mail when this one was due. The rows that are there need no check.
ALTER TABLE mails DROP CONSTRAINT mails_state_check;
ALTER TABLE mails ADD CONSTRAINT mails_state_check CHECK (state IN ('pending', 'running', 'done', 'dead', 'suppressed')) NOT VALID;
