DROP TABLE old_codes;
