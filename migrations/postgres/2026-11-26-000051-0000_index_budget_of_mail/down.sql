DROP INDEX mails_expires_at_idx;
DROP INDEX mails_begun_at_idx;
DROP INDEX mails_kept_idx;
DROP INDEX mails_ready_idx;
