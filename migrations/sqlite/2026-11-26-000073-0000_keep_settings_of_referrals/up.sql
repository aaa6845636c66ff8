-- These keys of a list's settings get a meaning. Whoever used one for something else keeps the value under another name.
UPDATE waitlists SET settings = json_set(json_remove(settings, '$.referral_fraud'), '$.previous_referral_fraud', json(settings -> '$.referral_fraud'))
    WHERE settings -> '$.referral_fraud' IS NOT NULL;
UPDATE waitlists SET settings = json_set(json_remove(settings, '$.referral_fraud_threshold'), '$.previous_referral_fraud_threshold', json(settings -> '$.referral_fraud_threshold'))
    WHERE settings -> '$.referral_fraud_threshold' IS NOT NULL;
UPDATE waitlists SET settings = json_set(json_remove(settings, '$.referral_hourly_cap'), '$.previous_referral_hourly_cap', json(settings -> '$.referral_hourly_cap'))
    WHERE settings -> '$.referral_hourly_cap' IS NOT NULL;
