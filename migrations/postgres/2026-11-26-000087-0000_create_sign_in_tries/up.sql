-- The failed tries of a client to sign in to the console, by the keyed hash of its address. tries is a JSON array of Unix milliseconds.
CREATE TABLE sign_in_tries (
    client bytea PRIMARY KEY,
    tries text NOT NULL,
    last_at timestamptz NOT NULL
);
CREATE INDEX sign_in_tries_last_at_idx ON sign_in_tries (last_at);
