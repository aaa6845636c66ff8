DROP TRIGGER mails_forget_data;
