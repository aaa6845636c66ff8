-- Mails of requests that had expired when their person signed up again. Their request is gone, and nothing else leads to them.
DELETE FROM mails WHERE request_id IS NOT NULL AND entry_id IS NULL
    AND NOT EXISTS (SELECT 1 FROM signup_requests r WHERE r.id = mails.request_id);
