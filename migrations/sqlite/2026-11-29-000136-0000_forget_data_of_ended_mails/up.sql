-- The data of a mail has the links of its person. Nobody reads it once the mail is sent or given up.
CREATE TRIGGER mails_forget_data AFTER UPDATE OF state ON mails WHEN NEW.state IN ('done', 'dead', 'suppressed', 'expired') BEGIN
    UPDATE mails SET data = '' WHERE id = NEW.id;
END;
