DROP INDEX mails_tests_idx;
DROP INDEX mails_log_idx;
UPDATE mails SET state = 'dead' WHERE state = 'expired';
ALTER TABLE mails DROP CONSTRAINT mails_state_check;
ALTER TABLE mails ADD CONSTRAINT mails_state_check CHECK (state IN ('pending', 'running', 'done', 'dead', 'suppressed')) NOT VALID;
