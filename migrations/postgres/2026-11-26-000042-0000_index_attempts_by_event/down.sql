DROP INDEX attempts_event_id_idx;
