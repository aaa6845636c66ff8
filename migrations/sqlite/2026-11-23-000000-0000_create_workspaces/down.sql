DROP TABLE workspace_settings;
DROP TABLE retired_slugs;
DROP TABLE workspaces;
