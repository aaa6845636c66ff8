-- An older program writes the terms of a changed entry in its own way, and finds these with a sigma within words.
SELECT 1;
