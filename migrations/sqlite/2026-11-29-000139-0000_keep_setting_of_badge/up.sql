-- This key of a list's settings gets a meaning. Whoever used it for something else keeps the value under another name.
UPDATE waitlists SET settings = json_set(json_remove(settings, '$.badge_enabled'), '$.previous_badge_enabled', json(settings -> '$.badge_enabled'))
    WHERE settings -> '$.badge_enabled' IS NOT NULL;
