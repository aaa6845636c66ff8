-- What is deleted does not come back.
SELECT 1;
