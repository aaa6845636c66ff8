-- traces: an entry was erased, and other tables still have data of the person.
ALTER TABLE purges DROP CONSTRAINT purges_kind_check;
ALTER TABLE purges ADD CONSTRAINT purges_kind_check CHECK (kind IN ('waitlist', 'webhook', 'entry', 'held', 'workspace', 'traces'));
