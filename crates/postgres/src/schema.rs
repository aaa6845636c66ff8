//! The tables, as the migrations leave them.

diesel::table! {
    workspaces (id) {
        id -> Uuid,
        slug -> Text,
        previous_slug -> Nullable<Text>,
        name -> Text,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    retired_slugs (slug) {
        slug -> Text,
        workspace_id -> Uuid,
    }
}

diesel::table! {
    workspace_settings (workspace_id) {
        workspace_id -> Uuid,
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
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    waitlists (id) {
        id -> Uuid,
        workspace_id -> Uuid,
        slug -> Text,
        display_name -> Text,
        description -> Nullable<Text>,
        status -> Text,
        settings -> Jsonb,
        created_by -> Nullable<Text>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    variants (id) {
        id -> Uuid,
        waitlist_id -> Uuid,
        kind -> Text,
        locale -> Text,
        copy -> Jsonb,
        weight -> SmallInt,
        active -> Bool,
        created_at -> Timestamptz,
        deleted_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    entries (id) {
        id -> Uuid,
        waitlist_id -> Uuid,
        workspace_id -> Uuid,
        email -> Text,
        name -> Text,
        interest -> Nullable<Text>,
        referrer -> Nullable<Text>,
        referral_code -> Text,
        referral_count -> BigInt,
        referred_by_entry_id -> Nullable<Uuid>,
        position -> BigInt,
        status -> Text,
        variant_id -> Nullable<Uuid>,
        invited_at -> Nullable<Timestamptz>,
        invited_to_app_slug -> Nullable<Text>,
        metadata -> Jsonb,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        locale -> Nullable<Text>,
        link_generation -> Integer,
        confirmed_at -> Nullable<Timestamptz>,
        consent -> Nullable<Text>,
        network -> Nullable<Binary>,
        referral_peak -> BigInt,
    }
}

diesel::table! {
    waitlist_totals (waitlist_id) {
        waitlist_id -> Uuid,
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
        id -> Uuid,
        workspace_id -> Uuid,
        waitlist_id -> Uuid,
        action -> Text,
        query -> Text,
        until_position -> BigInt,
        total -> BigInt,
        state -> Text,
        mark -> BigInt,
        changed -> BigInt,
        refused -> Text,
        actor -> Text,
        claim -> Nullable<Uuid>,
        lease_until -> Nullable<Timestamptz>,
        created_at -> Timestamptz,
        ended_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    entry_terms (waitlist_id, position, term) {
        waitlist_id -> Uuid,
        position -> BigInt,
        term -> Text,
    }
}

diesel::table! {
    waitlist_days (waitlist_id, day) {
        waitlist_id -> Uuid,
        day -> Date,
        signups -> BigInt,
    }
}

diesel::table! {
    waitlist_sources (waitlist_id, referrer) {
        waitlist_id -> Uuid,
        referrer -> Text,
        signups -> BigInt,
    }
}

diesel::table! {
    waitlist_variants (waitlist_id, variant_id) {
        waitlist_id -> Uuid,
        variant_id -> Uuid,
        signups -> BigInt,
    }
}

diesel::table! {
    events (id) {
        id -> Uuid,
        workspace_id -> Uuid,
        waitlist_id -> Nullable<Uuid>,
        entry_id -> Nullable<Uuid>,
        kind -> Text,
        body -> Text,
        occurred_at -> Timestamptz,
        feed_turn -> Nullable<BigInt>,
        feed_number -> Nullable<BigInt>,
    }
}

diesel::table! {
    feeds (workspace_id) {
        workspace_id -> Uuid,
        last_number -> BigInt,
    }
}

diesel::table! {
    api_keys (id) {
        id -> Uuid,
        workspace_id -> Uuid,
        name -> Text,
        scope -> Text,
        prefix -> Text,
        hash -> Bytea,
        created_at -> Timestamptz,
        revoked_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    stored_replies (workspace_id, route, key) {
        workspace_id -> Uuid,
        route -> Text,
        key -> Text,
        fingerprint -> Bytea,
        sealed -> Bytea,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    webhooks (id) {
        id -> Uuid,
        workspace_id -> Uuid,
        url -> Text,
        events -> Text,
        active -> Bool,
        secret -> Bytea,
        previous_secret -> Nullable<Bytea>,
        previous_secret_until -> Nullable<Timestamptz>,
        failure_count -> BigInt,
        first_failure_at -> Nullable<Timestamptz>,
        last_status_code -> Nullable<Integer>,
        last_attempt_at -> Nullable<Timestamptz>,
        auto_disabled_at -> Nullable<Timestamptz>,
        created_at -> Timestamptz,
        generation -> BigInt,
    }
}

diesel::table! {
    deliveries (event_id, webhook_id) {
        event_id -> Uuid,
        webhook_id -> Uuid,
        state -> Text,
        due_at -> Timestamptz,
        attempt -> Integer,
        claim -> Nullable<Uuid>,
        lease_until -> Nullable<Timestamptz>,
        generation -> BigInt,
    }
}

diesel::table! {
    attempts (id) {
        id -> Uuid,
        webhook_id -> Uuid,
        event_id -> Uuid,
        kind -> Text,
        number -> Integer,
        status_code -> Nullable<Integer>,
        response_body -> Nullable<Text>,
        error_message -> Nullable<Text>,
        latency_ms -> BigInt,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    begun_mails (mail_id) {
        mail_id -> Uuid,
        workspace_id -> Uuid,
        network -> Bytea,
        begun_at -> Timestamptz,
        forget_at -> Timestamptz,
    }
}

diesel::table! {
    mails (id) {
        id -> Uuid,
        workspace_id -> Uuid,
        waitlist_id -> Nullable<Uuid>,
        entry_id -> Nullable<Uuid>,
        template -> Text,
        sender -> Text,
        recipient -> Text,
        data -> Text,
        created_at -> Timestamptz,
        state -> Text,
        due_at -> Timestamptz,
        attempt -> Integer,
        claim -> Nullable<Uuid>,
        lease_until -> Nullable<Timestamptz>,
        last_status -> Nullable<Integer>,
        kind -> Nullable<Text>,
        locale -> Nullable<Text>,
        via -> Text,
        reply_to -> Nullable<Text>,
        last_error -> Nullable<Text>,
        sent_at -> Nullable<Timestamptz>,
        address -> Nullable<Bytea>,
        request_id -> Nullable<Uuid>,
        network -> Nullable<Bytea>,
        begun_at -> Nullable<Timestamptz>,
        expires_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    purges (kind, target) {
        kind -> Text,
        target -> Uuid,
        waitlist_id -> Nullable<Uuid>,
        after_position -> BigInt,
        after_id -> Nullable<Uuid>,
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
        id -> Uuid,
        workspace_id -> Uuid,
        waitlist_id -> Uuid,
        state -> Text,
        entry_id -> Nullable<Uuid>,
        email -> Nullable<Text>,
        form -> Nullable<Text>,
        requested_at -> Timestamptz,
        expires_at -> Timestamptz,
        mails_sent -> Integer,
        last_mail_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    used_proofs (id) {
        id -> Uuid,
        waitlist_id -> Uuid,
        expires_at -> Timestamptz,
        taken_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    mail_shares (address) {
        address -> Bytea,
        sent -> Text,
        asked_at -> Timestamptz,
    }
}

diesel::table! {
    suppressions (id) {
        id -> Uuid,
        workspace_id -> Uuid,
        address -> Bytea,
        masked_email -> Nullable<Text>,
        reason -> Text,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    mail_templates (workspace_id, kind, locale) {
        workspace_id -> Uuid,
        kind -> Text,
        locale -> Text,
        subject -> Text,
        text -> Text,
        html -> Nullable<Text>,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    tombstones (id) {
        id -> Uuid,
        waitlist_id -> Uuid,
        position -> BigInt,
        status -> Text,
        referral_count -> BigInt,
        referred_by_entry_id -> Nullable<Uuid>,
        variant_id -> Nullable<Uuid>,
        day -> Date,
        has_traces -> Bool,
    }
}

diesel::table! {
    referrals (id) {
        id -> Uuid,
        waitlist_id -> Uuid,
        referrer_entry_id -> Nullable<Uuid>,
        referred_entry_id -> Nullable<Uuid>,
        state -> Text,
        score -> SmallInt,
        reasons -> Text,
        network -> Nullable<Binary>,
        policy -> Nullable<Text>,
        created_at -> Timestamptz,
        decided_at -> Nullable<Timestamptz>,
        decided_by -> Nullable<Text>,
        reason -> Nullable<Text>,
    }
}

diesel::table! {
    imports (id) {
        id -> Uuid,
        workspace_id -> Uuid,
        waitlist_id -> Uuid,
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
        claim -> Nullable<Uuid>,
        lease_until -> Nullable<Timestamptz>,
        created_at -> Timestamptz,
        started_at -> Nullable<Timestamptz>,
        ended_at -> Nullable<Timestamptz>,
        actor -> Nullable<Text>,
    }
}

diesel::table! {
    sessions (id) {
        id -> Uuid,
        token -> Bytea,
        workspace_id -> Nullable<Uuid>,
        person -> Text,
        scope -> Text,
        api_key_id -> Nullable<Uuid>,
        created_at -> Timestamptz,
        seen_at -> Timestamptz,
        expires_at -> Timestamptz,
    }
}

diesel::table! {
    import_items (import_id, kind, key_1, key_2, key_3) {
        import_id -> Uuid,
        kind -> SmallInt,
        key_1 -> BigInt,
        key_2 -> BigInt,
        key_3 -> BigInt,
        content -> Bytea,
    }
}

diesel::table! {
    import_names (import_id, name) {
        import_id -> Uuid,
        name -> Text,
        entry_id -> Uuid,
        number -> BigInt,
    }
}

diesel::table! {
    old_codes (waitlist_id, code) {
        waitlist_id -> Uuid,
        code -> Text,
        entry_id -> Uuid,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    sign_in_links (id) {
        id -> Uuid,
        token -> Bytea,
        workspace_id -> Nullable<Uuid>,
        created_at -> Timestamptz,
        expires_at -> Timestamptz,
    }
}

diesel::table! {
    sign_in_tries (client) {
        client -> Bytea,
        tries -> Text,
        last_at -> Timestamptz,
    }
}

diesel::table! {
    audit (id) {
        id -> Uuid,
        at -> Timestamptz,
        workspace_id -> Nullable<Uuid>,
        actor_kind -> Text,
        actor_id -> Nullable<Text>,
        actor_name -> Nullable<Text>,
        request_id -> Nullable<Text>,
        action -> Text,
        target_id -> Nullable<Text>,
        changes -> Jsonb,
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
diesel::allow_tables_to_appear_in_same_query!(signup_requests, waitlist_totals);
