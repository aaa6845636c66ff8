-- A program that knows no SMTP sets notifications_via_envoi alone. Therefore that column wins.
ALTER TABLE workspace_settings
    ADD COLUMN notifications_via_smtp boolean NOT NULL DEFAULT false,
    ADD COLUMN reply_to_address text,
    ADD COLUMN default_locale text;
