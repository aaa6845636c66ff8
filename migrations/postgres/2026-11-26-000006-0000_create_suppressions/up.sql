-- Addresses that a workspace sends no mail to, by the keyed hash of the address, with a row for each reason.
-- Nothing refers to the workspace, because it may have many rows. A purge of the kind workspace deletes them.
CREATE TABLE suppressions (
    id uuid PRIMARY KEY,
    workspace_id uuid NOT NULL,
    address bytea NOT NULL CHECK (octet_length(address) = 32),
    masked_email text,
    reason text NOT NULL CHECK (reason IN ('unsubscribed', 'refused', 'bounced', 'erased', 'manual')),
    created_at timestamptz NOT NULL,
    CONSTRAINT suppressions_address_key UNIQUE (workspace_id, address, reason)
);
CREATE INDEX suppressions_newest_idx ON suppressions (workspace_id, created_at DESC);

-- An older program takes the purge of a workspace for one that has nothing to do, and deletes it. The rows are then found as
-- orphans.
ALTER TABLE purges DROP CONSTRAINT purges_kind_check;
ALTER TABLE purges ADD CONSTRAINT purges_kind_check CHECK (kind IN ('waitlist', 'webhook', 'entry', 'held', 'workspace'));
