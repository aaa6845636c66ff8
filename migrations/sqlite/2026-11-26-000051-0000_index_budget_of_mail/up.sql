-- Mails that may be claimed under a budget, those that it keeps back, by network, those that it let go, and those that can be too late.
CREATE INDEX mails_ready_idx ON mails (workspace_id, due_at, created_at, id) WHERE state = 'pending' AND (network IS NULL OR begun_at IS NOT NULL);
CREATE INDEX mails_kept_idx ON mails (workspace_id, network, due_at, id) WHERE state = 'pending' AND network IS NOT NULL AND begun_at IS NULL;
CREATE INDEX mails_begun_at_idx ON mails (workspace_id, begun_at, network) WHERE begun_at IS NOT NULL;
CREATE INDEX mails_expires_at_idx ON mails (expires_at) WHERE state = 'pending' AND expires_at IS NOT NULL;
