-- Words with letters outside ASCII. Their terms are written again: with one encoding of each letter, and a sigma at the end of a word like
-- one within it.
UPDATE waitlist_totals SET search_changes = search_changes + 1, search_position = found.first - 1
    FROM (
        SELECT waitlist_id, min(position) AS first FROM entry_terms
        WHERE term LIKE 'w%' AND length(CAST(term AS blob)) <> length(term) GROUP BY waitlist_id
    ) AS found
    WHERE waitlist_totals.waitlist_id = found.waitlist_id AND search_position >= found.first;
