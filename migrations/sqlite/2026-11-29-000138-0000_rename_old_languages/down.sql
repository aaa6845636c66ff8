-- Both codes are tags of the same language.
SELECT 1;
