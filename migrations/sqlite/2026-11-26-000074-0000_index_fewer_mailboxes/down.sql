DROP INDEX entries_mailbox_idx;
CREATE INDEX entries_mailbox_idx ON entries (waitlist_id, (CASE WHEN substr(email, instr(email, '@') + 1) IN ('gmail.com', 'googlemail.com')
    THEN replace(substr(email, 1, CASE WHEN instr(email, '+') BETWEEN 2 AND instr(email, '@') THEN instr(email, '+') ELSE instr(email, '@') END - 1), '.', '') || '@gmail.com'
    ELSE substr(email, 1, CASE WHEN instr(email, '+') BETWEEN 2 AND instr(email, '@') THEN instr(email, '+') ELSE instr(email, '@') END - 1) || substr(email, instr(email, '@')) END));
