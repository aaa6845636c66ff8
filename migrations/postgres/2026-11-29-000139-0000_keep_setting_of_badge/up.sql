-- This key of a list's settings gets a meaning. Whoever used it for something else keeps the value under another name.
UPDATE waitlists SET settings = (settings - 'badge_enabled') || jsonb_build_object('previous_badge_enabled', settings -> 'badge_enabled')
    WHERE settings ? 'badge_enabled';
