ALTER TABLE workspace_settings
    DROP COLUMN default_locale,
    DROP COLUMN reply_to_address,
    DROP COLUMN notifications_via_smtp;
