DROP INDEX imports_waitlist_id_idx;
