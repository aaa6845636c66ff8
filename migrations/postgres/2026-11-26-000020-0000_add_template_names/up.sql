ALTER TABLE workspace_settings
    ADD COLUMN confirm_template_name text,
    ADD COLUMN link_template_name text;
