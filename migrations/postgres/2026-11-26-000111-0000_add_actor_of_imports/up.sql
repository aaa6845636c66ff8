-- Who began an import, as the audit log names actors. Older programs do not keep it.
ALTER TABLE imports ADD COLUMN actor text;
