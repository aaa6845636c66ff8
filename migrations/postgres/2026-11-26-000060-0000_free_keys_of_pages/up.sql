-- These keys of a list's settings get a meaning. Whoever used one for something else keeps the value under another name.
UPDATE waitlists SET settings = (settings - 'page_url') || jsonb_build_object('previous_page_url', settings -> 'page_url')
    WHERE settings ? 'page_url';
UPDATE waitlists SET settings = (settings - 'allowed_origins') || jsonb_build_object('previous_allowed_origins', settings -> 'allowed_origins')
    WHERE settings ? 'allowed_origins';
UPDATE waitlists SET settings = (settings - 'privacy_url') || jsonb_build_object('previous_privacy_url', settings -> 'privacy_url')
    WHERE settings ? 'privacy_url';
UPDATE waitlists SET settings = (settings - 'terms_url') || jsonb_build_object('previous_terms_url', settings -> 'terms_url')
    WHERE settings ? 'terms_url';
UPDATE waitlists SET settings = (settings - 'consent_text') || jsonb_build_object('previous_consent_text', settings -> 'consent_text')
    WHERE settings ? 'consent_text';
