ALTER TABLE entries DROP COLUMN referral_peak;
ALTER TABLE entries DROP COLUMN network;
