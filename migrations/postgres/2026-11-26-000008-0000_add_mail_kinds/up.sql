-- Mail over SMTP has no template and may have no sender of its own: both are empty texts. Mail of older programs has no kind.
ALTER TABLE mails
    ADD COLUMN kind text,
    ADD COLUMN locale text,
    ADD COLUMN via text NOT NULL DEFAULT 'envoi',
    ADD COLUMN reply_to text,
    ADD COLUMN last_error text,
    ADD COLUMN sent_at timestamptz;
