ALTER TABLE entries DROP COLUMN consent;
