ALTER TABLE mails DROP COLUMN expires_at;
ALTER TABLE mails DROP COLUMN begun_at;
ALTER TABLE mails DROP COLUMN network;
