-- What stays of erased entries: numbers that keep counts and positions exact, and nothing that tells who the person was.
-- has_traces: a purge must still remove data of the person from other tables. An older program deletes the note of such a purge
-- without a look at the rows. Then the row is found by this column.
CREATE TABLE tombstones (
    id uuid PRIMARY KEY,
    waitlist_id uuid NOT NULL,
    position bigint NOT NULL CHECK (position >= 1),
    status text NOT NULL CHECK (status IN ('pending', 'approved', 'rejected')),
    referral_count bigint NOT NULL CHECK (referral_count >= 0),
    referred_by_entry_id uuid,
    variant_id uuid,
    day date NOT NULL,
    has_traces boolean NOT NULL DEFAULT true,
    CONSTRAINT tombstones_waitlist_id_position_key UNIQUE (waitlist_id, position)
);
CREATE INDEX tombstones_referred_by_idx ON tombstones (referred_by_entry_id) WHERE referred_by_entry_id IS NOT NULL;
CREATE INDEX tombstones_traces_idx ON tombstones (waitlist_id) WHERE has_traces;
