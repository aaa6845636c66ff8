-- Terms with a sigma as it is at the end of a word. They are written again, with the one that stands within words.
UPDATE waitlist_totals SET search_changes = search_changes + 1, search_position = found.first - 1
    FROM (SELECT waitlist_id, min(position) AS first FROM entry_terms WHERE term LIKE '%ς%' GROUP BY waitlist_id) AS found
    WHERE waitlist_totals.waitlist_id = found.waitlist_id AND search_position >= found.first;
