DROP TABLE mail_shares;
DROP TABLE signup_requests;
ALTER TABLE entries DROP COLUMN confirmed_at;
