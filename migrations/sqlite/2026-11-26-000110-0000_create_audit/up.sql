-- The audit log. No row refers to another table: rows outlive what they are about. changes: for each field an array of two values.
CREATE TABLE audit (
    id blob PRIMARY KEY NOT NULL,
    at integer NOT NULL,
    workspace_id blob,
    actor_kind text NOT NULL,
    actor_id text,
    actor_name text,
    request_id text,
    action text NOT NULL,
    target_id text,
    changes text NOT NULL
) STRICT;
CREATE INDEX audit_newest_idx ON audit (workspace_id, at DESC, id DESC);
CREATE INDEX audit_target_idx ON audit (workspace_id, target_id, at DESC, id DESC);
CREATE INDEX audit_actor_idx ON audit (workspace_id, actor_id, at DESC, id DESC);
CREATE INDEX audit_action_idx ON audit (workspace_id, action, at DESC, id DESC);
CREATE INDEX audit_at_idx ON audit (at);
