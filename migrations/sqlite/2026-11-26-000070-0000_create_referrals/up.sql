-- The referral ledger: a row for every sign-up with the code of an entry. Only credited rows are in entries.referral_count.
-- Rows outlive the entries that they name, so the ids may lead nowhere. network: the keyed hash of the network that the friend's form
-- came from; it is forgotten after 30 days. policy: the settings that judged the row.
CREATE TABLE referrals (
    id blob NOT NULL PRIMARY KEY,
    waitlist_id blob NOT NULL,
    referrer_entry_id blob,
    referred_entry_id blob,
    state text NOT NULL CHECK (state IN ('credited', 'withheld', 'revoked')),
    score integer NOT NULL CHECK (score BETWEEN 0 AND 100),
    reasons text NOT NULL,
    network blob CHECK (length(network) = 16),
    policy text,
    created_at integer NOT NULL,
    decided_at integer,
    decided_by text,
    reason text
) STRICT;
CREATE UNIQUE INDEX referrals_referred_key ON referrals (referred_entry_id) WHERE referred_entry_id IS NOT NULL;
CREATE INDEX referrals_referrer_idx ON referrals (referrer_entry_id, created_at DESC, id DESC);
CREATE INDEX referrals_network_idx ON referrals (network, referrer_entry_id, created_at, id) WHERE network IS NOT NULL;
CREATE INDEX referrals_state_idx ON referrals (waitlist_id, state, created_at DESC, id DESC);
CREATE INDEX referrals_suspect_idx ON referrals (waitlist_id, created_at DESC, id DESC) WHERE score > 0;
CREATE INDEX referrals_decided_idx ON referrals (referrer_entry_id, decided_at) WHERE decided_at IS NOT NULL;
CREATE INDEX referrals_reason_idx ON referrals (referrer_entry_id) WHERE reason IS NOT NULL;
