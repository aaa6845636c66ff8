-- A program that knows no SMTP sets notifications_via_envoi alone. Therefore that column wins.
ALTER TABLE workspace_settings ADD COLUMN notifications_via_smtp integer NOT NULL DEFAULT 0;
ALTER TABLE workspace_settings ADD COLUMN reply_to_address text;
ALTER TABLE workspace_settings ADD COLUMN default_locale text;
