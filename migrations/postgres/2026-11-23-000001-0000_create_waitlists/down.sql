DROP TABLE variants;
DROP TABLE waitlists;
