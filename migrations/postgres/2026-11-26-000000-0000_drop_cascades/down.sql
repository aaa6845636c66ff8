DELETE FROM attempts WHERE webhook_id NOT IN (SELECT id FROM webhooks);
DELETE FROM deliveries WHERE webhook_id NOT IN (SELECT id FROM webhooks);
DELETE FROM mails WHERE waitlist_id NOT IN (SELECT id FROM waitlists);
DELETE FROM events WHERE waitlist_id NOT IN (SELECT id FROM waitlists);
DELETE FROM waitlist_sources WHERE waitlist_id NOT IN (SELECT id FROM waitlists);
DELETE FROM waitlist_days WHERE waitlist_id NOT IN (SELECT id FROM waitlists);
DELETE FROM entries WHERE waitlist_id NOT IN (SELECT id FROM waitlists);
ALTER TABLE attempts ADD CONSTRAINT attempts_webhook_id_fkey FOREIGN KEY (webhook_id) REFERENCES webhooks ON DELETE CASCADE;
ALTER TABLE deliveries ADD CONSTRAINT deliveries_webhook_id_fkey FOREIGN KEY (webhook_id) REFERENCES webhooks ON DELETE CASCADE;
ALTER TABLE mails ADD CONSTRAINT mails_waitlist_id_fkey FOREIGN KEY (waitlist_id) REFERENCES waitlists ON DELETE CASCADE;
ALTER TABLE events ADD CONSTRAINT events_waitlist_id_fkey FOREIGN KEY (waitlist_id) REFERENCES waitlists ON DELETE CASCADE;
ALTER TABLE waitlist_sources
    ADD CONSTRAINT waitlist_sources_waitlist_id_fkey FOREIGN KEY (waitlist_id) REFERENCES waitlists ON DELETE CASCADE;
ALTER TABLE waitlist_days ADD CONSTRAINT waitlist_days_waitlist_id_fkey FOREIGN KEY (waitlist_id) REFERENCES waitlists ON DELETE CASCADE;
ALTER TABLE entries ADD CONSTRAINT entries_waitlist_id_fkey FOREIGN KEY (waitlist_id) REFERENCES waitlists ON DELETE CASCADE;
