CREATE TABLE workspaces (
    id uuid PRIMARY KEY,
    slug text NOT NULL,
    previous_slug text,
    name text NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    CONSTRAINT workspaces_slug_key UNIQUE (slug)
);

-- Earlier slugs of workspaces. A row is deleted when another workspace takes the slug.
CREATE TABLE retired_slugs (
    slug text PRIMARY KEY,
    workspace_id uuid NOT NULL REFERENCES workspaces ON DELETE CASCADE
);
CREATE INDEX retired_slugs_workspace_id_idx ON retired_slugs (workspace_id);

-- The settings of a workspace. No row means that nothing was ever set.
CREATE TABLE workspace_settings (
    workspace_id uuid PRIMARY KEY REFERENCES workspaces ON DELETE CASCADE,
    default_sender_domain_id text,
    default_heimdall_app_slug text,
    brand_name text,
    brand_logo_url text,
    primary_color text,
    notifications_via_envoi boolean NOT NULL DEFAULT false,
    default_sender_address text,
    welcome_template_name text,
    approved_template_name text,
    rejected_template_name text,
    updated_at timestamptz NOT NULL
);
