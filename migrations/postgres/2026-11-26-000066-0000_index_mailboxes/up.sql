-- These keys of a list's settings get a meaning. Whoever used one for something else keeps the value under another name.
UPDATE waitlists SET settings = (settings - 'block_disposable') || jsonb_build_object('previous_block_disposable', settings -> 'block_disposable')
    WHERE settings ? 'block_disposable';
UPDATE waitlists SET settings = (settings - 'check_mx') || jsonb_build_object('previous_check_mx', settings -> 'check_mx')
    WHERE settings ? 'check_mx';
UPDATE waitlists SET settings = (settings - 'one_per_mailbox') || jsonb_build_object('previous_one_per_mailbox', settings -> 'one_per_mailbox')
    WHERE settings ? 'one_per_mailbox';

-- What all addresses of one mailbox have in common, as Email::mailbox of the domain has it: no +tag, and at Gmail no dots and one domain.
-- The statements that look for it have the same text.
CREATE INDEX entries_mailbox_idx ON entries (waitlist_id, (CASE WHEN split_part(email, '@', 2) IN ('gmail.com', 'googlemail.com')
    THEN replace(coalesce(nullif(split_part(split_part(email, '@', 1), '+', 1), ''), split_part(email, '@', 1)), '.', '') || '@gmail.com'
    ELSE coalesce(nullif(split_part(split_part(email, '@', 1), '+', 1), ''), split_part(email, '@', 1)) || '@' || split_part(email, '@', 2) END));
CREATE INDEX signup_requests_mailbox_idx ON signup_requests (waitlist_id, (CASE WHEN split_part(email, '@', 2) IN ('gmail.com', 'googlemail.com')
    THEN replace(coalesce(nullif(split_part(split_part(email, '@', 1), '+', 1), ''), split_part(email, '@', 1)), '.', '') || '@gmail.com'
    ELSE coalesce(nullif(split_part(split_part(email, '@', 1), '+', 1), ''), split_part(email, '@', 1)) || '@' || split_part(email, '@', 2) END))
    WHERE state = 'waiting';
