-- An older program writes the terms of a changed entry in its own way.
SELECT 1;
