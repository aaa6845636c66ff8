-- The secret behind keyed hashes and the tokens of links, encrypted with the encryption key. There is one row.
CREATE TABLE store_secrets (
    name text PRIMARY KEY NOT NULL,
    sealed blob NOT NULL
) STRICT;
