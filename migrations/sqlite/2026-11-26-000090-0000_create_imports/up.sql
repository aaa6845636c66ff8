-- Imports of people. step: what a worker does next. mark_1 to mark_3: where the step goes on. source: how the file is read.
-- started_by: the name of the actor.
CREATE TABLE imports (
    id blob NOT NULL PRIMARY KEY,
    workspace_id blob NOT NULL,
    waitlist_id blob NOT NULL,
    state text NOT NULL CHECK (state IN ('uploading', 'queued', 'running', 'done', 'failed', 'cancelled')),
    step text NOT NULL CHECK (step IN ('read', 'add', 'restore', 'link', 'count', 'clean', 'over')),
    updates integer NOT NULL CHECK (updates IN (0, 1)),
    dry_run integer NOT NULL CHECK (dry_run IN (0, 1)),
    notifies integer NOT NULL CHECK (notifies IN (0, 1)),
    source text NOT NULL,
    error text,
    added integer NOT NULL,
    updated integer NOT NULL,
    skipped integer NOT NULL,
    failed integer NOT NULL,
    mark_1 integer NOT NULL,
    mark_2 integer NOT NULL,
    mark_3 integer NOT NULL,
    started_by text,
    claim blob,
    lease_until integer,
    created_at integer NOT NULL,
    started_at integer,
    ended_at integer
) STRICT;
CREATE INDEX imports_open_idx ON imports (created_at) WHERE step <> 'over';
CREATE INDEX imports_created_at_idx ON imports (created_at, id);
-- What an import works on. kind 0: a piece of the file, by its number. 1: a row, by time, old position and line. 2: a person and who brought
-- them, by line. 3: a problem, by line, step and number.
CREATE TABLE import_items (
    import_id blob NOT NULL,
    kind integer NOT NULL,
    key_1 integer NOT NULL,
    key_2 integer NOT NULL,
    key_3 integer NOT NULL,
    content blob NOT NULL,
    PRIMARY KEY (import_id, kind, key_1, key_2, key_3)
) STRICT;
-- Names that an import has seen, each with an entry and a number.
CREATE TABLE import_names (
    import_id blob NOT NULL,
    name text NOT NULL,
    entry_id blob NOT NULL,
    number integer NOT NULL,
    PRIMARY KEY (import_id, name)
) STRICT;
