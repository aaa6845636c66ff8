DROP INDEX entries_confirmed_at_idx;
DROP INDEX entries_invited_at_idx;
