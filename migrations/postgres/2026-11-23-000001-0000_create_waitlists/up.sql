CREATE TABLE waitlists (
    id uuid PRIMARY KEY,
    workspace_id uuid NOT NULL REFERENCES workspaces ON DELETE CASCADE,
    slug text NOT NULL,
    display_name text NOT NULL,
    description text,
    status text NOT NULL CHECK (status IN ('draft', 'active', 'paused', 'closed')),
    settings jsonb NOT NULL,
    created_by text,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    CONSTRAINT waitlists_workspace_id_slug_key UNIQUE (workspace_id, slug)
);
CREATE INDEX waitlists_newest_idx ON waitlists (workspace_id, created_at DESC, id DESC);

-- A deleted variant keeps its row, because its sign-ups are still counted for it.
CREATE TABLE variants (
    id uuid PRIMARY KEY,
    waitlist_id uuid NOT NULL REFERENCES waitlists ON DELETE CASCADE,
    kind text NOT NULL CHECK (kind IN ('ab', 'locale')),
    locale text NOT NULL,
    copy jsonb NOT NULL,
    weight smallint NOT NULL CHECK (weight BETWEEN 1 AND 100),
    active boolean NOT NULL,
    created_at timestamptz NOT NULL,
    deleted_at timestamptz
);
CREATE INDEX variants_oldest_idx ON variants (waitlist_id, created_at, id);
