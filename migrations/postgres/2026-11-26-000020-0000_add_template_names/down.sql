ALTER TABLE workspace_settings
    DROP COLUMN link_template_name,
    DROP COLUMN confirm_template_name;
