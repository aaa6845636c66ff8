-- No change: PostgreSQL reads the suppressions of a group of sign-ups together with what else the group needs.
SELECT 1;
