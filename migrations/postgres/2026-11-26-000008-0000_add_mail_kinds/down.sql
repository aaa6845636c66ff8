ALTER TABLE mails
    DROP COLUMN sent_at,
    DROP COLUMN last_error,
    DROP COLUMN reply_to,
    DROP COLUMN via,
    DROP COLUMN locale,
    DROP COLUMN kind;
