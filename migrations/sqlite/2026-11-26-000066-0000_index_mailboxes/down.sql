DROP INDEX signup_requests_mailbox_idx;
DROP INDEX entries_mailbox_idx;
