-- No change: the values stay under their new names, which mean nothing to any program.
SELECT 1;
