-- As it is: PostgreSQL plans a statement once, whatever its indexes are partial on.
SELECT 1;
