UPDATE mails SET state = 'dead' WHERE state = 'suppressed';
ALTER TABLE mails DROP CONSTRAINT mails_state_check;
ALTER TABLE mails ADD CONSTRAINT mails_state_check CHECK (state IN ('pending', 'running', 'done', 'dead'));
ALTER TABLE mails
    DROP COLUMN address,
    DROP COLUMN sent_at,
    DROP COLUMN last_error,
    DROP COLUMN reply_to,
    DROP COLUMN via,
    DROP COLUMN locale,
    DROP COLUMN kind;
