-- These keys of a list's settings get a meaning. Whoever used one for something else keeps the value under another name.
UPDATE waitlists SET settings = (settings - 'referral_fraud') || jsonb_build_object('previous_referral_fraud', settings -> 'referral_fraud')
    WHERE settings ? 'referral_fraud';
UPDATE waitlists SET settings = (settings - 'referral_fraud_threshold') || jsonb_build_object('previous_referral_fraud_threshold', settings -> 'referral_fraud_threshold')
    WHERE settings ? 'referral_fraud_threshold';
UPDATE waitlists SET settings = (settings - 'referral_hourly_cap') || jsonb_build_object('previous_referral_hourly_cap', settings -> 'referral_hourly_cap')
    WHERE settings ? 'referral_hourly_cap';
