-- expired: the mail would have come too late. The rows that are there need no check.
ALTER TABLE mails DROP CONSTRAINT mails_state_check;
ALTER TABLE mails ADD CONSTRAINT mails_state_check CHECK (state IN ('pending', 'running', 'done', 'dead', 'suppressed', 'expired')) NOT VALID;
-- The log of a workspace, filtered by state and kind. Mail of older programs has no kind.
CREATE INDEX mails_log_idx ON mails (workspace_id, state, (COALESCE(kind, 'welcome')), created_at, id);
-- Mails that try a template belong to no list. They are counted.
CREATE INDEX mails_tests_idx ON mails (workspace_id, created_at) WHERE waitlist_id IS NULL;
