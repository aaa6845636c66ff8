-- Mails of strangers that were begun and are deleted. They count in the budget of their workspace until its period is over.
CREATE TABLE begun_mails (
    mail_id uuid PRIMARY KEY,
    workspace_id uuid NOT NULL,
    network bytea NOT NULL,
    begun_at timestamptz NOT NULL,
    -- A day later: no period is longer.
    forget_at timestamptz NOT NULL
);
CREATE INDEX begun_mails_of_workspace_idx ON begun_mails (workspace_id, begun_at);
CREATE INDEX begun_mails_forget_at_idx ON begun_mails (forget_at);
CREATE FUNCTION keep_begun_mails() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO begun_mails (mail_id, workspace_id, network, begun_at, forget_at)
        SELECT id, workspace_id, network, begun_at, begun_at + interval '24 hours' FROM gone WHERE network IS NOT NULL AND begun_at IS NOT NULL;
    RETURN NULL;
END $$;
CREATE TRIGGER mails_keep_begun AFTER DELETE ON mails REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION keep_begun_mails();
