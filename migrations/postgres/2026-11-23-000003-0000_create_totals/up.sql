-- Counters that the transaction of every change keeps, so that no reader counts rows. The row of waitlist_totals is also the
-- lock that orders the changes of one list: every change of entries takes it first.
CREATE TABLE waitlist_totals (
    waitlist_id uuid PRIMARY KEY REFERENCES waitlists ON DELETE CASCADE,
    last_position bigint NOT NULL DEFAULT 0,
    pending bigint NOT NULL DEFAULT 0 CHECK (pending >= 0),
    approved bigint NOT NULL DEFAULT 0 CHECK (approved >= 0),
    rejected bigint NOT NULL DEFAULT 0 CHECK (rejected >= 0),
    referred bigint NOT NULL DEFAULT 0 CHECK (referred >= 0)
) WITH (fillfactor = 50);

-- Sign-ups per UTC day.
CREATE TABLE waitlist_days (
    waitlist_id uuid NOT NULL REFERENCES waitlists ON DELETE CASCADE,
    day date NOT NULL,
    signups bigint NOT NULL CHECK (signups >= 0),
    PRIMARY KEY (waitlist_id, day)
) WITH (fillfactor = 50);

-- Sign-ups per source; '' stands for no source.
CREATE TABLE waitlist_sources (
    waitlist_id uuid NOT NULL REFERENCES waitlists ON DELETE CASCADE,
    referrer text NOT NULL,
    signups bigint NOT NULL CHECK (signups >= 0),
    PRIMARY KEY (waitlist_id, referrer)
);
CREATE INDEX waitlist_sources_top_idx ON waitlist_sources (waitlist_id, signups DESC, referrer);

-- Sign-ups per variant; the nil UUID stands for no variant.
CREATE TABLE waitlist_variants (
    waitlist_id uuid NOT NULL REFERENCES waitlists ON DELETE CASCADE,
    variant_id uuid NOT NULL,
    signups bigint NOT NULL CHECK (signups >= 0),
    PRIMARY KEY (waitlist_id, variant_id)
) WITH (fillfactor = 50);
