DELETE FROM purges WHERE kind = 'traces';
ALTER TABLE purges DROP CONSTRAINT purges_kind_check;
ALTER TABLE purges ADD CONSTRAINT purges_kind_check CHECK (kind IN ('waitlist', 'webhook', 'entry', 'held', 'workspace'));
