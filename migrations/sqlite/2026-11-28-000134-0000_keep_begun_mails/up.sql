-- Mails of strangers that were begun and are deleted. They count in the budget of their workspace until its period is over.
CREATE TABLE begun_mails (
    mail_id blob PRIMARY KEY NOT NULL,
    workspace_id blob NOT NULL,
    network blob NOT NULL,
    begun_at integer NOT NULL,
    -- A day later: no period is longer.
    forget_at integer NOT NULL
) STRICT;
CREATE INDEX begun_mails_of_workspace_idx ON begun_mails (workspace_id, begun_at);
CREATE INDEX begun_mails_forget_at_idx ON begun_mails (forget_at);
CREATE TRIGGER mails_keep_begun AFTER DELETE ON mails WHEN OLD.network IS NOT NULL AND OLD.begun_at IS NOT NULL BEGIN
    INSERT INTO begun_mails (mail_id, workspace_id, network, begun_at, forget_at) VALUES (OLD.id, OLD.workspace_id, OLD.network, OLD.begun_at, OLD.begun_at + 86400000);
END;
