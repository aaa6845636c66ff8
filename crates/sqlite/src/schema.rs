//! The tables, as the migrations leave them.

diesel::table! {
    workspaces (id) {
        id -> Binary,
        slug -> Text,
        previous_slug -> Nullable<Text>,
        name -> Text,
        created_at -> BigInt,
        updated_at -> BigInt,
    }
}

diesel::table! {
    retired_slugs (slug) {
        slug -> Text,
        workspace_id -> Binary,
    }
}

diesel::table! {
    workspace_settings (workspace_id) {
        workspace_id -> Binary,
        default_sender_domain_id -> Nullable<Text>,
        default_heimdall_app_slug -> Nullable<Text>,
        brand_name -> Nullable<Text>,
        brand_logo_url -> Nullable<Text>,
        primary_color -> Nullable<Text>,
        notifications_via_envoi -> Bool,
        default_sender_address -> Nullable<Text>,
        welcome_template_name -> Nullable<Text>,
        approved_template_name -> Nullable<Text>,
        rejected_template_name -> Nullable<Text>,
        notifications_via_smtp -> Bool,
        reply_to_address -> Nullable<Text>,
        default_locale -> Nullable<Text>,
        confirm_template_name -> Nullable<Text>,
        link_template_name -> Nullable<Text>,
        updated_at -> BigInt,
    }
}

diesel::table! {
    waitlists (id) {
        id -> Binary,
        workspace_id -> Binary,
        slug -> Text,
        display_name -> Text,
        description -> Nullable<Text>,
        status -> Text,
        settings -> Text,
        created_by -> Nullable<Text>,
        created_at -> BigInt,
        updated_at -> BigInt,
    }
}

diesel::table! {
    variants (id) {
        id -> Binary,
        waitlist_id -> Binary,
        kind -> Text,
        locale -> Text,
        copy -> Text,
        weight -> Integer,
        active -> Bool,
        created_at -> BigInt,
        deleted_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    entries (id) {
        id -> Binary,
        waitlist_id -> Binary,
        workspace_id -> Binary,
        email -> Text,
        name -> Text,
        interest -> Nullable<Text>,
        referrer -> Nullable<Text>,
        referral_code -> Text,
        referral_count -> BigInt,
        referred_by_entry_id -> Nullable<Binary>,
        position -> BigInt,
        status -> Text,
        variant_id -> Nullable<Binary>,
        invited_at -> Nullable<BigInt>,
        invited_to_app_slug -> Nullable<Text>,
        metadata -> Text,
        created_at -> BigInt,
        updated_at -> BigInt,
        locale -> Nullable<Text>,
        link_generation -> Integer,
        confirmed_at -> Nullable<BigInt>,
        consent -> Nullable<Text>,
        network -> Nullable<Binary>,
        referral_peak -> BigInt,
    }
}

diesel::table! {
    waitlist_totals (waitlist_id) {
        waitlist_id -> Binary,
        last_position -> BigInt,
        pending -> BigInt,
        approved -> BigInt,
        rejected -> BigInt,
        referred -> BigInt,
        erased -> BigInt,
        ledger_position -> BigInt,
        ledger_compared -> BigInt,
        networks_position -> BigInt,
        has_old_codes -> Bool,
        search_position -> BigInt,
        search_changes -> BigInt,
    }
}

diesel::table! {
    entry_jobs (id) {
        id -> Binary,
        workspace_id -> Binary,
        waitlist_id -> Binary,
        action -> Text,
        query -> Text,
        until_position -> BigInt,
        total -> BigInt,
        state -> Text,
        mark -> BigInt,
        changed -> BigInt,
        refused -> Text,
        actor -> Text,
        claim -> Nullable<Binary>,
        lease_until -> Nullable<BigInt>,
        created_at -> BigInt,
        ended_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    entry_terms (waitlist_id, position, term) {
        waitlist_id -> Binary,
        position -> BigInt,
        term -> Text,
    }
}

diesel::table! {
    waitlist_days (waitlist_id, day) {
        waitlist_id -> Binary,
        day -> Text,
        signups -> BigInt,
    }
}

diesel::table! {
    waitlist_sources (waitlist_id, referrer) {
        waitlist_id -> Binary,
        referrer -> Text,
        signups -> BigInt,
    }
}

diesel::table! {
    waitlist_variants (waitlist_id, variant_id) {
        waitlist_id -> Binary,
        variant_id -> Binary,
        signups -> BigInt,
    }
}

diesel::table! {
    events (id) {
        id -> Binary,
        workspace_id -> Binary,
        waitlist_id -> Nullable<Binary>,
        entry_id -> Nullable<Binary>,
        kind -> Text,
        body -> Text,
        occurred_at -> BigInt,
        feed_turn -> Nullable<BigInt>,
        feed_number -> Nullable<BigInt>,
    }
}

diesel::table! {
    feeds (workspace_id) {
        workspace_id -> Binary,
        last_number -> BigInt,
    }
}

diesel::table! {
    api_keys (id) {
        id -> Binary,
        workspace_id -> Binary,
        name -> Text,
        scope -> Text,
        prefix -> Text,
        hash -> Binary,
        created_at -> BigInt,
        revoked_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    stored_replies (workspace_id, route, key) {
        workspace_id -> Binary,
        route -> Text,
        key -> Text,
        fingerprint -> Binary,
        sealed -> Binary,
        created_at -> BigInt,
    }
}

diesel::table! {
    webhooks (id) {
        id -> Binary,
        workspace_id -> Binary,
        url -> Text,
        events -> Text,
        active -> Bool,
        secret -> Binary,
        previous_secret -> Nullable<Binary>,
        previous_secret_until -> Nullable<BigInt>,
        failure_count -> BigInt,
        first_failure_at -> Nullable<BigInt>,
        last_status_code -> Nullable<Integer>,
        last_attempt_at -> Nullable<BigInt>,
        auto_disabled_at -> Nullable<BigInt>,
        created_at -> BigInt,
        generation -> BigInt,
    }
}

diesel::table! {
    deliveries (event_id, webhook_id) {
        event_id -> Binary,
        webhook_id -> Binary,
        state -> Text,
        due_at -> BigInt,
        attempt -> Integer,
        claim -> Nullable<Binary>,
        lease_until -> Nullable<BigInt>,
        generation -> BigInt,
    }
}

diesel::table! {
    attempts (id) {
        id -> Binary,
        webhook_id -> Binary,
        event_id -> Binary,
        kind -> Text,
        number -> Integer,
        status_code -> Nullable<Integer>,
        response_body -> Nullable<Text>,
        error_message -> Nullable<Text>,
        latency_ms -> BigInt,
        created_at -> BigInt,
    }
}

diesel::table! {
    begun_mails (mail_id) {
        mail_id -> Binary,
        workspace_id -> Binary,
        network -> Binary,
        begun_at -> BigInt,
        forget_at -> BigInt,
    }
}

diesel::table! {
    mails (id) {
        id -> Binary,
        workspace_id -> Binary,
        waitlist_id -> Nullable<Binary>,
        entry_id -> Nullable<Binary>,
        template -> Text,
        sender -> Text,
        recipient -> Text,
        data -> Text,
        created_at -> BigInt,
        state -> Text,
        due_at -> BigInt,
        attempt -> Integer,
        claim -> Nullable<Binary>,
        lease_until -> Nullable<BigInt>,
        last_status -> Nullable<Integer>,
        kind -> Nullable<Text>,
        locale -> Nullable<Text>,
        via -> Text,
        reply_to -> Nullable<Text>,
        last_error -> Nullable<Text>,
        sent_at -> Nullable<BigInt>,
        address -> Nullable<Binary>,
        request_id -> Nullable<Binary>,
        network -> Nullable<Binary>,
        begun_at -> Nullable<BigInt>,
        expires_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    purges (kind, target) {
        kind -> Text,
        target -> Binary,
        waitlist_id -> Nullable<Binary>,
        after_position -> BigInt,
        after_id -> Nullable<Binary>,
    }
}

diesel::table! {
    store_secrets (name) {
        name -> Text,
        sealed -> Binary,
    }
}

diesel::table! {
    signup_requests (id) {
        id -> Binary,
        workspace_id -> Binary,
        waitlist_id -> Binary,
        state -> Text,
        entry_id -> Nullable<Binary>,
        email -> Nullable<Text>,
        form -> Nullable<Text>,
        requested_at -> BigInt,
        expires_at -> BigInt,
        mails_sent -> Integer,
        last_mail_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    used_proofs (id) {
        id -> Binary,
        waitlist_id -> Binary,
        expires_at -> BigInt,
        taken_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    mail_shares (address) {
        address -> Binary,
        sent -> Text,
        asked_at -> BigInt,
    }
}

diesel::table! {
    suppressions (id) {
        id -> Binary,
        workspace_id -> Binary,
        address -> Binary,
        masked_email -> Nullable<Text>,
        reason -> Text,
        created_at -> BigInt,
    }
}

diesel::table! {
    mail_templates (workspace_id, kind, locale) {
        workspace_id -> Binary,
        kind -> Text,
        locale -> Text,
        subject -> Text,
        text -> Text,
        html -> Nullable<Text>,
        updated_at -> BigInt,
    }
}

diesel::table! {
    tombstones (id) {
        id -> Binary,
        waitlist_id -> Binary,
        position -> BigInt,
        status -> Text,
        referral_count -> BigInt,
        referred_by_entry_id -> Nullable<Binary>,
        variant_id -> Nullable<Binary>,
        day -> Text,
        has_traces -> Bool,
    }
}

diesel::table! {
    referrals (id) {
        id -> Binary,
        waitlist_id -> Binary,
        referrer_entry_id -> Nullable<Binary>,
        referred_entry_id -> Nullable<Binary>,
        state -> Text,
        score -> Integer,
        reasons -> Text,
        network -> Nullable<Binary>,
        policy -> Nullable<Text>,
        created_at -> BigInt,
        decided_at -> Nullable<BigInt>,
        decided_by -> Nullable<Text>,
        reason -> Nullable<Text>,
    }
}

diesel::table! {
    imports (id) {
        id -> Binary,
        workspace_id -> Binary,
        waitlist_id -> Binary,
        state -> Text,
        step -> Text,
        updates -> Bool,
        dry_run -> Bool,
        notifies -> Bool,
        source -> Text,
        error -> Nullable<Text>,
        added -> BigInt,
        updated -> BigInt,
        skipped -> BigInt,
        failed -> BigInt,
        mark_1 -> BigInt,
        mark_2 -> BigInt,
        mark_3 -> BigInt,
        started_by -> Nullable<Text>,
        claim -> Nullable<Binary>,
        lease_until -> Nullable<BigInt>,
        created_at -> BigInt,
        started_at -> Nullable<BigInt>,
        ended_at -> Nullable<BigInt>,
        actor -> Nullable<Text>,
    }
}

diesel::table! {
    sessions (id) {
        id -> Binary,
        token -> Binary,
        workspace_id -> Nullable<Binary>,
        person -> Text,
        scope -> Text,
        api_key_id -> Nullable<Binary>,
        created_at -> BigInt,
        seen_at -> BigInt,
        expires_at -> BigInt,
    }
}

diesel::table! {
    import_items (import_id, kind, key_1, key_2, key_3) {
        import_id -> Binary,
        kind -> Integer,
        key_1 -> BigInt,
        key_2 -> BigInt,
        key_3 -> BigInt,
        content -> Binary,
    }
}

diesel::table! {
    import_names (import_id, name) {
        import_id -> Binary,
        name -> Text,
        entry_id -> Binary,
        number -> BigInt,
    }
}

diesel::table! {
    old_codes (waitlist_id, code) {
        waitlist_id -> Binary,
        code -> Text,
        entry_id -> Binary,
        created_at -> BigInt,
    }
}

diesel::table! {
    sign_in_links (id) {
        id -> Binary,
        token -> Binary,
        workspace_id -> Nullable<Binary>,
        created_at -> BigInt,
        expires_at -> BigInt,
    }
}

diesel::table! {
    sign_in_tries (client) {
        client -> Binary,
        tries -> Text,
        last_at -> BigInt,
    }
}

diesel::table! {
    audit (id) {
        id -> Binary,
        at -> BigInt,
        workspace_id -> Nullable<Binary>,
        actor_kind -> Text,
        actor_id -> Nullable<Text>,
        actor_name -> Nullable<Text>,
        request_id -> Nullable<Text>,
        action -> Text,
        target_id -> Nullable<Text>,
        changes -> Text,
    }
}

diesel::allow_tables_to_appear_in_same_query!(
    workspaces,
    retired_slugs,
    workspace_settings,
    waitlists,
    variants,
    entries,
    events,
    webhooks,
    deliveries,
    attempts,
    referrals,
    waitlist_totals,
    waitlist_days,
    purges,
    suppressions
);
