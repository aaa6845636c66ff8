-- Mail to a sign-up request has no entry, and the test of a template belongs to no list.
ALTER TABLE mails
    ALTER COLUMN waitlist_id DROP NOT NULL,
    ALTER COLUMN entry_id DROP NOT NULL,
    ADD COLUMN request_id uuid;
