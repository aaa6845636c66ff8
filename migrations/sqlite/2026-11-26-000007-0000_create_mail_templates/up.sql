-- Templates of mail that a workspace wrote. Those that are built in have no row.
CREATE TABLE mail_templates (
    workspace_id blob NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    kind text NOT NULL CHECK (kind IN ('confirm', 'welcome', 'approved', 'rejected', 'invited', 'link')),
    locale text NOT NULL,
    subject text NOT NULL,
    text text NOT NULL,
    html text,
    updated_at integer NOT NULL,
    PRIMARY KEY (workspace_id, kind, locale)
) STRICT;
