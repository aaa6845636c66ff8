-- What stays of erased entries: numbers that keep counts and positions exact, and nothing that tells who the person was.
-- has_traces: a purge must still remove data of the person from other tables.
CREATE TABLE tombstones (
    id blob NOT NULL PRIMARY KEY,
    waitlist_id blob NOT NULL,
    position integer NOT NULL CHECK (position >= 1),
    status text NOT NULL CHECK (status IN ('pending', 'approved', 'rejected')),
    referral_count integer NOT NULL CHECK (referral_count >= 0),
    referred_by_entry_id blob,
    variant_id blob,
    day text NOT NULL,
    has_traces integer NOT NULL DEFAULT 1 CHECK (has_traces IN (0, 1)),
    CONSTRAINT tombstones_waitlist_id_position_key UNIQUE (waitlist_id, position)
) STRICT;
CREATE INDEX tombstones_referred_by_idx ON tombstones (referred_by_entry_id) WHERE referred_by_entry_id IS NOT NULL;
CREATE INDEX tombstones_traces_idx ON tombstones (waitlist_id) WHERE has_traces;
