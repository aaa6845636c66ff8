-- A sign-up lifts the suppression of a person who was erased. In this index it sees in one step whether a workspace has any.
CREATE INDEX suppressions_erased_idx ON suppressions (workspace_id) WHERE reason = 'erased';
