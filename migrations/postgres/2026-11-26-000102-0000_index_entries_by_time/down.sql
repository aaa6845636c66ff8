DROP INDEX entries_created_at_idx;
