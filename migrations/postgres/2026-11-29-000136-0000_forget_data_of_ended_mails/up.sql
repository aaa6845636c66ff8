-- The data of a mail has the links of its person. Nobody reads it once the mail is sent or given up.
CREATE FUNCTION forget_data_of_mail() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.data := '';
    RETURN NEW;
END $$;
CREATE TRIGGER mails_forget_data BEFORE UPDATE OF state ON mails FOR EACH ROW
    WHEN (NEW.state IN ('done', 'dead', 'suppressed', 'expired')) EXECUTE FUNCTION forget_data_of_mail();
