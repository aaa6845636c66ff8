DROP TRIGGER mails_keep_begun;
DROP TABLE begun_mails;
