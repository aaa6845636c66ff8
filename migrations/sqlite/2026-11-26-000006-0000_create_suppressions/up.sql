-- Addresses that a workspace sends no mail to, by the keyed hash of the address, with a row for each reason.
-- Nothing refers to the workspace, because it may have many rows. A purge of the kind workspace deletes them.
CREATE TABLE suppressions (
    id blob NOT NULL PRIMARY KEY,
    workspace_id blob NOT NULL,
    address blob NOT NULL CHECK (length(address) = 32),
    masked_email text,
    reason text NOT NULL CHECK (reason IN ('unsubscribed', 'refused', 'bounced', 'erased', 'manual')),
    created_at integer NOT NULL,
    CONSTRAINT suppressions_address_key UNIQUE (workspace_id, address, reason)
) STRICT;
CREATE INDEX suppressions_newest_idx ON suppressions (workspace_id, created_at DESC, id DESC);

-- SQLite has no statement that changes a check: see drop_cascades.
PRAGMA writable_schema = ON;
UPDATE sqlite_schema SET sql = replace(sql, '''entry'', ''held'')', '''entry'', ''held'', ''workspace'')')
    WHERE type = 'table' AND name = 'purges';
CREATE TABLE schema_has_changed (id integer) STRICT;
DROP TABLE schema_has_changed;
PRAGMA writable_schema = RESET;
