DROP INDEX suppressions_erased_idx;
