-- The mails that try a template and went to one address, for its erasure.
CREATE INDEX mails_tests_of_address_idx ON mails (workspace_id, address) WHERE waitlist_id IS NULL;
