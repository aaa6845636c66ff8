-- An erasure removes the answers that receivers gave to the events of an entry.
CREATE INDEX attempts_event_id_idx ON attempts (event_id);
