DROP TRIGGER mails_forget_data ON mails;
DROP FUNCTION forget_data_of_mail();
