-- Most addresses are their own mailbox and are found by the unique index of addresses. Only the others need this one, so that most
-- sign-ups do not write to it. The statements that look for a mailbox have the same condition.
DROP INDEX entries_mailbox_idx;
CREATE INDEX entries_mailbox_idx ON entries (waitlist_id, (CASE WHEN split_part(email, '@', 2) IN ('gmail.com', 'googlemail.com')
    THEN replace(coalesce(nullif(split_part(split_part(email, '@', 1), '+', 1), ''), split_part(email, '@', 1)), '.', '') || '@gmail.com'
    ELSE coalesce(nullif(split_part(split_part(email, '@', 1), '+', 1), ''), split_part(email, '@', 1)) || '@' || split_part(email, '@', 2) END))
    WHERE (strpos(email, '+') > 0 OR email LIKE '%.%@gmail.com' OR email LIKE '%@googlemail.com');
