DROP TABLE waitlist_variants;
DROP TABLE waitlist_sources;
DROP TABLE waitlist_days;
DROP TABLE waitlist_totals;
