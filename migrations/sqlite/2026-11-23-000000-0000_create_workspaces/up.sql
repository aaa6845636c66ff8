CREATE TABLE workspaces (
    id blob NOT NULL PRIMARY KEY,
    slug text NOT NULL,
    previous_slug text,
    name text NOT NULL,
    created_at integer NOT NULL,
    updated_at integer NOT NULL,
    CONSTRAINT workspaces_slug_key UNIQUE (slug)
) STRICT;

-- Earlier slugs of workspaces. A row is deleted when another workspace takes the slug.
CREATE TABLE retired_slugs (
    slug text NOT NULL PRIMARY KEY,
    workspace_id blob NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE
) STRICT;
CREATE INDEX retired_slugs_workspace_id_idx ON retired_slugs (workspace_id);

-- The settings of a workspace. No row means that nothing was ever set.
CREATE TABLE workspace_settings (
    workspace_id blob NOT NULL PRIMARY KEY REFERENCES workspaces (id) ON DELETE CASCADE,
    default_sender_domain_id text,
    default_heimdall_app_slug text,
    brand_name text,
    brand_logo_url text,
    primary_color text,
    notifications_via_envoi integer NOT NULL DEFAULT 0,
    default_sender_address text,
    welcome_template_name text,
    approved_template_name text,
    rejected_template_name text,
    updated_at integer NOT NULL
) STRICT;
