-- Most addresses are their own mailbox and are found by the unique index of addresses. Only the others need this one, so that most
-- sign-ups do not write to it. The statements that look for a mailbox have the same condition.
DROP INDEX entries_mailbox_idx;
CREATE INDEX entries_mailbox_idx ON entries (waitlist_id, (CASE WHEN substr(email, instr(email, '@') + 1) IN ('gmail.com', 'googlemail.com')
    THEN replace(substr(email, 1, CASE WHEN instr(email, '+') BETWEEN 2 AND instr(email, '@') THEN instr(email, '+') ELSE instr(email, '@') END - 1), '.', '') || '@gmail.com'
    ELSE substr(email, 1, CASE WHEN instr(email, '+') BETWEEN 2 AND instr(email, '@') THEN instr(email, '+') ELSE instr(email, '@') END - 1) || substr(email, instr(email, '@')) END))
    WHERE (instr(email, '+') > 0 OR substr(email, -15) = '@googlemail.com' OR (substr(email, -10) = '@gmail.com' AND instr(email, '.') < instr(email, '@')));
