-- referred_by_entry_id has no foreign key: the deletion of a list of a million entries would look up each of them again.
-- The deletion of one entry clears it in other entries.
CREATE TABLE entries (
    id uuid PRIMARY KEY,
    waitlist_id uuid NOT NULL REFERENCES waitlists ON DELETE CASCADE,
    workspace_id uuid NOT NULL,
    email text NOT NULL,
    name text NOT NULL,
    interest text,
    referrer text,
    referral_code text NOT NULL,
    referral_count bigint NOT NULL DEFAULT 0 CHECK (referral_count >= 0),
    referred_by_entry_id uuid,
    position bigint NOT NULL CHECK (position >= 1),
    status text NOT NULL CHECK (status IN ('pending', 'approved', 'rejected')),
    variant_id uuid,
    invited_at timestamptz,
    invited_to_app_slug text,
    metadata jsonb NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    CONSTRAINT entries_waitlist_id_email_key UNIQUE (waitlist_id, email),
    CONSTRAINT entries_waitlist_id_position_key UNIQUE (waitlist_id, position),
    CONSTRAINT entries_referral_code_key UNIQUE (referral_code)
);
CREATE INDEX entries_status_idx ON entries (waitlist_id, status, position);
CREATE INDEX entries_leaders_idx ON entries (waitlist_id, referral_count DESC, position)
    WHERE referral_count > 0 AND status <> 'rejected';
CREATE INDEX entries_referred_by_idx ON entries (referred_by_entry_id) WHERE referred_by_entry_id IS NOT NULL;
