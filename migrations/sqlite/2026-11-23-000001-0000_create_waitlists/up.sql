CREATE TABLE waitlists (
    id blob NOT NULL PRIMARY KEY,
    workspace_id blob NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    slug text NOT NULL,
    display_name text NOT NULL,
    description text,
    status text NOT NULL CHECK (status IN ('draft', 'active', 'paused', 'closed')),
    settings text NOT NULL,
    created_by text,
    created_at integer NOT NULL,
    updated_at integer NOT NULL,
    CONSTRAINT waitlists_workspace_id_slug_key UNIQUE (workspace_id, slug)
) STRICT;
CREATE INDEX waitlists_newest_idx ON waitlists (workspace_id, created_at DESC, id DESC);

-- A deleted variant keeps its row, because its sign-ups are still counted for it.
CREATE TABLE variants (
    id blob NOT NULL PRIMARY KEY,
    waitlist_id blob NOT NULL REFERENCES waitlists (id) ON DELETE CASCADE,
    kind text NOT NULL CHECK (kind IN ('ab', 'locale')),
    locale text NOT NULL,
    copy text NOT NULL,
    weight integer NOT NULL CHECK (weight BETWEEN 1 AND 100),
    active integer NOT NULL,
    created_at integer NOT NULL,
    deleted_at integer
) STRICT;
CREATE INDEX variants_oldest_idx ON variants (waitlist_id, created_at, id);
