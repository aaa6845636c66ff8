-- A language has the newer of its codes (RFC 5646, section 4.5). A template is looked up by it, so its key has it too.
DELETE FROM mail_templates AS old
    WHERE substr(old.locale || '-', 1, 3) IN ('iw-', 'in-', 'ji-') AND EXISTS (
        SELECT 1 FROM mail_templates AS new
        WHERE new.workspace_id = old.workspace_id AND new.kind = old.kind
            AND new.locale = CASE substr(old.locale, 1, 2) WHEN 'iw' THEN 'he' WHEN 'in' THEN 'id' ELSE 'yi' END || substr(old.locale, 3)
    );
UPDATE mail_templates
    SET locale = CASE substr(locale, 1, 2) WHEN 'iw' THEN 'he' WHEN 'in' THEN 'id' ELSE 'yi' END || substr(locale, 3)
    WHERE substr(locale || '-', 1, 3) IN ('iw-', 'in-', 'ji-');
