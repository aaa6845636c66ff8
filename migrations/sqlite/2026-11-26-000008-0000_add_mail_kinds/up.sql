-- Mail over SMTP has no template and may have no sender of its own: both are empty texts. Mail of older programs has no kind.
ALTER TABLE mails ADD COLUMN kind text;
ALTER TABLE mails ADD COLUMN locale text;
ALTER TABLE mails ADD COLUMN via text NOT NULL DEFAULT 'envoi';
ALTER TABLE mails ADD COLUMN reply_to text;
ALTER TABLE mails ADD COLUMN last_error text;
ALTER TABLE mails ADD COLUMN sent_at integer;
