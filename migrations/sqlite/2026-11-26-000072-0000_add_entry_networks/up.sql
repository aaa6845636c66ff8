-- network: the keyed hash of the network that the person's form came from; it is forgotten after 30 days.
-- referral_peak: the most referrals before one was taken back. The entry has never had more than the larger of this and referral_count.
ALTER TABLE entries ADD COLUMN network blob;
ALTER TABLE entries ADD COLUMN referral_peak integer NOT NULL DEFAULT 0;
