-- These keys of a list's settings get a meaning. Whoever used one for something else keeps the value under another name.
UPDATE waitlists SET settings = json_set(json_remove(settings, '$.page_url'), '$.previous_page_url', json(settings -> '$.page_url'))
    WHERE settings -> '$.page_url' IS NOT NULL;
UPDATE waitlists SET settings = json_set(json_remove(settings, '$.allowed_origins'), '$.previous_allowed_origins', json(settings -> '$.allowed_origins'))
    WHERE settings -> '$.allowed_origins' IS NOT NULL;
UPDATE waitlists SET settings = json_set(json_remove(settings, '$.privacy_url'), '$.previous_privacy_url', json(settings -> '$.privacy_url'))
    WHERE settings -> '$.privacy_url' IS NOT NULL;
UPDATE waitlists SET settings = json_set(json_remove(settings, '$.terms_url'), '$.previous_terms_url', json(settings -> '$.terms_url'))
    WHERE settings -> '$.terms_url' IS NOT NULL;
UPDATE waitlists SET settings = json_set(json_remove(settings, '$.consent_text'), '$.previous_consent_text', json(settings -> '$.consent_text'))
    WHERE settings -> '$.consent_text' IS NOT NULL;
