-- These keys of a list's settings get a meaning. Whoever used one for something else keeps the value under another name.
UPDATE waitlists SET settings = json_set(json_remove(settings, '$.email_confirmation'), '$.previous_email_confirmation', json(settings -> '$.email_confirmation'))
    WHERE settings -> '$.email_confirmation' IS NOT NULL;
UPDATE waitlists SET settings = json_set(json_remove(settings, '$.confirm_page_url'), '$.previous_confirm_page_url', json(settings -> '$.confirm_page_url'))
    WHERE settings -> '$.confirm_page_url' IS NOT NULL;
UPDATE waitlists SET settings = json_set(json_remove(settings, '$.invite_url'), '$.previous_invite_url', json(settings -> '$.invite_url'))
    WHERE settings -> '$.invite_url' IS NOT NULL;

ALTER TABLE entries ADD COLUMN confirmed_at integer;

-- A sign-up that waits for its confirmation. email and form are what the person sent. Both are null as soon as it waits no more.
CREATE TABLE signup_requests (
    id blob PRIMARY KEY NOT NULL,
    workspace_id blob NOT NULL,
    waitlist_id blob NOT NULL,
    state text NOT NULL CHECK (state IN ('waiting', 'confirmed', 'refused')),
    entry_id blob,
    email text,
    form text,
    requested_at integer NOT NULL,
    expires_at integer NOT NULL,
    mails_sent integer NOT NULL,
    last_mail_at integer
) STRICT;
CREATE UNIQUE INDEX signup_requests_waiting_key ON signup_requests (waitlist_id, email) WHERE state = 'waiting';
CREATE INDEX signup_requests_requested_at_idx ON signup_requests (waitlist_id, requested_at, id);
CREATE INDEX signup_requests_expires_at_idx ON signup_requests (expires_at);

-- The mails of the last day that strangers caused to an address, by its keyed hash. sent is a JSON array of [list, Unix milliseconds].
CREATE TABLE mail_shares (
    address blob PRIMARY KEY NOT NULL,
    sent text NOT NULL,
    asked_at integer NOT NULL
) STRICT;
CREATE INDEX mail_shares_asked_at_idx ON mail_shares (asked_at);
