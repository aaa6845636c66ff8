-- Counters that the transaction of every change keeps, so that no reader counts rows.
CREATE TABLE waitlist_totals (
    waitlist_id blob NOT NULL PRIMARY KEY REFERENCES waitlists (id) ON DELETE CASCADE,
    last_position integer NOT NULL DEFAULT 0,
    pending integer NOT NULL DEFAULT 0 CHECK (pending >= 0),
    approved integer NOT NULL DEFAULT 0 CHECK (approved >= 0),
    rejected integer NOT NULL DEFAULT 0 CHECK (rejected >= 0),
    referred integer NOT NULL DEFAULT 0 CHECK (referred >= 0)
) STRICT, WITHOUT ROWID;

-- Sign-ups per UTC day.
CREATE TABLE waitlist_days (
    waitlist_id blob NOT NULL REFERENCES waitlists (id) ON DELETE CASCADE,
    day text NOT NULL,
    signups integer NOT NULL CHECK (signups >= 0),
    PRIMARY KEY (waitlist_id, day)
) STRICT, WITHOUT ROWID;

-- Sign-ups per source; '' stands for no source.
CREATE TABLE waitlist_sources (
    waitlist_id blob NOT NULL REFERENCES waitlists (id) ON DELETE CASCADE,
    referrer text NOT NULL,
    signups integer NOT NULL CHECK (signups >= 0),
    PRIMARY KEY (waitlist_id, referrer)
) STRICT;
CREATE INDEX waitlist_sources_top_idx ON waitlist_sources (waitlist_id, signups DESC, referrer);

-- Sign-ups per variant; the nil UUID stands for no variant.
CREATE TABLE waitlist_variants (
    waitlist_id blob NOT NULL REFERENCES waitlists (id) ON DELETE CASCADE,
    variant_id blob NOT NULL,
    signups integer NOT NULL CHECK (signups >= 0),
    PRIMARY KEY (waitlist_id, variant_id)
) STRICT, WITHOUT ROWID;
