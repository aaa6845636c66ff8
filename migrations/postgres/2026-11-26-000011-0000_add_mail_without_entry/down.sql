DELETE FROM mails WHERE entry_id IS NULL;
ALTER TABLE mails
    DROP COLUMN request_id,
    ALTER COLUMN entry_id SET NOT NULL,
    ALTER COLUMN waitlist_id SET NOT NULL;
