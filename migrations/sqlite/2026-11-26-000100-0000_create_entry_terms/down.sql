DROP TRIGGER entries_forget_terms;
DROP TABLE entry_terms;
