-- No change: programs before keep what is kept aside.
SELECT 1;
