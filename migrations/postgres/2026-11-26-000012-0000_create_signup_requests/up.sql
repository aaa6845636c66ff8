-- These keys of a list's settings get a meaning. Whoever used one for something else keeps the value under another name.
UPDATE waitlists SET settings = (settings - 'email_confirmation') || jsonb_build_object('previous_email_confirmation', settings -> 'email_confirmation')
    WHERE settings ? 'email_confirmation';
UPDATE waitlists SET settings = (settings - 'confirm_page_url') || jsonb_build_object('previous_confirm_page_url', settings -> 'confirm_page_url')
    WHERE settings ? 'confirm_page_url';
UPDATE waitlists SET settings = (settings - 'invite_url') || jsonb_build_object('previous_invite_url', settings -> 'invite_url')
    WHERE settings ? 'invite_url';

ALTER TABLE entries ADD COLUMN confirmed_at timestamptz;

-- A sign-up that waits for its confirmation. email and form are what the person sent. Both are null as soon as it waits no more.
CREATE TABLE signup_requests (
    id uuid PRIMARY KEY,
    workspace_id uuid NOT NULL,
    waitlist_id uuid NOT NULL,
    state text NOT NULL CHECK (state IN ('waiting', 'confirmed', 'refused')),
    entry_id uuid,
    email text,
    form text,
    requested_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    mails_sent integer NOT NULL,
    last_mail_at timestamptz
);
CREATE UNIQUE INDEX signup_requests_waiting_key ON signup_requests (waitlist_id, email) WHERE state = 'waiting';
CREATE INDEX signup_requests_requested_at_idx ON signup_requests (waitlist_id, requested_at, id);
CREATE INDEX signup_requests_expires_at_idx ON signup_requests (expires_at);

-- The mails of the last day that strangers caused to an address, by its keyed hash. sent is a JSON array of [list, Unix milliseconds].
CREATE TABLE mail_shares (
    address bytea PRIMARY KEY,
    sent text NOT NULL,
    asked_at timestamptz NOT NULL
);
CREATE INDEX mail_shares_asked_at_idx ON mail_shares (asked_at);
