ALTER TABLE entries DROP COLUMN referral_peak, DROP COLUMN network;
