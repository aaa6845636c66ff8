-- network: the keyed hash of the client's network, if a stranger caused the mail. begun_at: when the budget let it be claimed.
-- expires_at: when it is too late to send it.
ALTER TABLE mails
    ADD COLUMN network bytea,
    ADD COLUMN begun_at timestamptz,
    ADD COLUMN expires_at timestamptz;
