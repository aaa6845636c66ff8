-- These keys of a list's settings get a meaning. Whoever used one for something else keeps the value under another name.
UPDATE waitlists SET settings = json_set(json_remove(settings, '$.block_disposable'), '$.previous_block_disposable', json(settings -> '$.block_disposable'))
    WHERE settings -> '$.block_disposable' IS NOT NULL;
UPDATE waitlists SET settings = json_set(json_remove(settings, '$.check_mx'), '$.previous_check_mx', json(settings -> '$.check_mx'))
    WHERE settings -> '$.check_mx' IS NOT NULL;
UPDATE waitlists SET settings = json_set(json_remove(settings, '$.one_per_mailbox'), '$.previous_one_per_mailbox', json(settings -> '$.one_per_mailbox'))
    WHERE settings -> '$.one_per_mailbox' IS NOT NULL;

-- What all addresses of one mailbox have in common, as Email::mailbox of the domain has it: no +tag, and at Gmail no dots and one domain.
-- The statements that look for it have the same text.
CREATE INDEX entries_mailbox_idx ON entries (waitlist_id, (CASE WHEN substr(email, instr(email, '@') + 1) IN ('gmail.com', 'googlemail.com')
    THEN replace(substr(email, 1, CASE WHEN instr(email, '+') BETWEEN 2 AND instr(email, '@') THEN instr(email, '+') ELSE instr(email, '@') END - 1), '.', '') || '@gmail.com'
    ELSE substr(email, 1, CASE WHEN instr(email, '+') BETWEEN 2 AND instr(email, '@') THEN instr(email, '+') ELSE instr(email, '@') END - 1) || substr(email, instr(email, '@')) END));
CREATE INDEX signup_requests_mailbox_idx ON signup_requests (waitlist_id, (CASE WHEN substr(email, instr(email, '@') + 1) IN ('gmail.com', 'googlemail.com')
    THEN replace(substr(email, 1, CASE WHEN instr(email, '+') BETWEEN 2 AND instr(email, '@') THEN instr(email, '+') ELSE instr(email, '@') END - 1), '.', '') || '@gmail.com'
    ELSE substr(email, 1, CASE WHEN instr(email, '+') BETWEEN 2 AND instr(email, '@') THEN instr(email, '+') ELSE instr(email, '@') END - 1) || substr(email, instr(email, '@')) END))
    WHERE state = 'waiting';
