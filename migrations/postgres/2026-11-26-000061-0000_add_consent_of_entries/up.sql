-- What a person agreed to when they signed up: a JSON object of the text and of Unix milliseconds.
ALTER TABLE entries ADD COLUMN consent text;
