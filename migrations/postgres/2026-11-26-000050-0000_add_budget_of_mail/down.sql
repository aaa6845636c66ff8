ALTER TABLE mails
    DROP COLUMN expires_at,
    DROP COLUMN begun_at,
    DROP COLUMN network;
