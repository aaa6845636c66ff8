DROP TRIGGER mails_keep_begun ON mails;
DROP FUNCTION keep_begun_mails();
DROP TABLE begun_mails;
