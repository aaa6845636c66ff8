ALTER TABLE workspace_settings DROP COLUMN default_locale;
ALTER TABLE workspace_settings DROP COLUMN reply_to_address;
ALTER TABLE workspace_settings DROP COLUMN notifications_via_smtp;
