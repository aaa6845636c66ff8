-- Imports of people. step: what a worker does next. mark_1 to mark_3: where the step goes on. source: how the file is read.
-- started_by: the name of the actor.
CREATE TABLE imports (
    id uuid PRIMARY KEY,
    workspace_id uuid NOT NULL,
    waitlist_id uuid NOT NULL,
    state text NOT NULL CHECK (state IN ('uploading', 'queued', 'running', 'done', 'failed', 'cancelled')),
    step text NOT NULL CHECK (step IN ('read', 'add', 'restore', 'link', 'count', 'clean', 'over')),
    updates boolean NOT NULL,
    dry_run boolean NOT NULL,
    notifies boolean NOT NULL,
    source text NOT NULL,
    error text,
    added bigint NOT NULL,
    updated bigint NOT NULL,
    skipped bigint NOT NULL,
    failed bigint NOT NULL,
    mark_1 bigint NOT NULL,
    mark_2 bigint NOT NULL,
    mark_3 bigint NOT NULL,
    started_by text,
    claim uuid,
    lease_until timestamptz,
    created_at timestamptz NOT NULL,
    started_at timestamptz,
    ended_at timestamptz
);
CREATE INDEX imports_open_idx ON imports (created_at) WHERE step <> 'over';
CREATE INDEX imports_created_at_idx ON imports (created_at, id);
-- What an import works on. kind 0: a piece of the file, by its number. 1: a row, by time, old position and line. 2: a person and who brought
-- them, by line. 3: a problem, by line, step and number.
CREATE TABLE import_items (
    import_id uuid NOT NULL,
    kind smallint NOT NULL,
    key_1 bigint NOT NULL,
    key_2 bigint NOT NULL,
    key_3 bigint NOT NULL,
    content bytea NOT NULL,
    PRIMARY KEY (import_id, kind, key_1, key_2, key_3)
);
-- Names that an import has seen, each with an entry and a number.
CREATE TABLE import_names (
    import_id uuid NOT NULL,
    name text COLLATE "C" NOT NULL,
    entry_id uuid NOT NULL,
    number bigint NOT NULL,
    PRIMARY KEY (import_id, name)
);
