-- This key of a list's settings gets a meaning. Whoever used it for something else keeps the value under another name.
UPDATE waitlists SET settings = json_set(json_remove(settings, '$.proof_of_work'), '$.previous_proof_of_work', json(settings -> '$.proof_of_work'))
    WHERE settings -> '$.proof_of_work' IS NOT NULL;

-- Proofs of work that were used, until they expire. taken_at is set for a sign-up that neither an entry nor a request tells the time of.
CREATE TABLE used_proofs (
    id blob PRIMARY KEY NOT NULL,
    waitlist_id blob NOT NULL,
    expires_at integer NOT NULL,
    taken_at integer
) STRICT;
CREATE INDEX used_proofs_expires_at_idx ON used_proofs (expires_at);
CREATE INDEX used_proofs_taken_at_idx ON used_proofs (waitlist_id, taken_at) WHERE taken_at IS NOT NULL;
