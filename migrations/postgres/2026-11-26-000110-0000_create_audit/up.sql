-- The audit log. No row refers to another table: rows outlive what they are about. changes: for each field an array of two values. id is a
-- UUID of version 7 (RFC 9562): 48 bits with the milliseconds, 12 bits with the fraction of one, and random bits. It sorts by time.
CREATE TABLE audit (
    id uuid PRIMARY KEY DEFAULT encode(
        overlay(
            overlay(
                uuid_send(gen_random_uuid())
                PLACING substring(int8send(floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint) FROM 3) FROM 1 FOR 6
            )
            PLACING substring(int8send(28672 + floor(extract(epoch FROM clock_timestamp()) * 1000 % 1 * 4096)::bigint) FROM 7) FROM 7 FOR 2
        ),
        'hex'
    )::uuid,
    at timestamptz NOT NULL,
    workspace_id uuid,
    actor_kind text NOT NULL,
    actor_id text COLLATE "C",
    actor_name text,
    request_id text,
    action text COLLATE "C" NOT NULL,
    target_id text COLLATE "C",
    changes jsonb NOT NULL
);
CREATE INDEX audit_newest_idx ON audit (workspace_id, at DESC);
CREATE INDEX audit_target_idx ON audit (workspace_id, target_id, at DESC);
CREATE INDEX audit_actor_idx ON audit (workspace_id, actor_id, at DESC);
CREATE INDEX audit_action_idx ON audit (workspace_id, action, at DESC);
-- For pruning alone: by an expression, so that no list of rows goes by it.
CREATE INDEX audit_at_idx ON audit ((at AT TIME ZONE 'UTC'));
