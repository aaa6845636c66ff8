#!/usr/bin/env bash
# How PostgreSQL plans the hot statements at 100,000 entries: starts a throwaway cluster, fills it, prints the plans.
set -euo pipefail
cd "$(dirname "$0")/.."
entries=${1:-100000}

. scripts/cluster.sh
export RALLY_JWT_SECRET=the-secret-of-a-benchmark-32-bytes RALLY_ENCRYPTION_KEY=MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=
cargo run --quiet -- migrate >/dev/null

sql -v entries="$entries" <<'SQL'
INSERT INTO workspaces VALUES ('00000000-0000-7000-8000-000000000001', 'acme', NULL, 'Acme', now(), now());
INSERT INTO waitlists
    SELECT ('00000000-0000-7000-8000-00000000001' || n)::uuid, '00000000-0000-7000-8000-000000000001', 'list-' || n, 'List', NULL,
           'active', '{}', NULL, now() - n * interval '1 day', now()
    FROM generate_series(0, 9) n;
INSERT INTO waitlist_totals (waitlist_id, last_position, pending) SELECT id, :entries, :entries FROM waitlists;
INSERT INTO entries (id, waitlist_id, workspace_id, email, name, referral_code, referral_count, position, status, metadata, created_at, updated_at)
    SELECT gen_random_uuid(), '00000000-0000-7000-8000-000000000010', '00000000-0000-7000-8000-000000000001',
           'p' || n || '@example.com', 'Somebody', 'CODE' || n, CASE WHEN n % 20 = 0 THEN n % 97 ELSE 0 END, n,
           (ARRAY['pending', 'approved', 'rejected'])[1 + n % 3], '{}', now(), now()
    FROM generate_series(1, :entries) n;
-- One webhook that everything waits for, and one that has five deliveries due.
INSERT INTO webhooks (id, workspace_id, url, events, active, secret, created_at)
    SELECT ('00000000-0000-7000-8000-0000000000a' || n)::uuid, '00000000-0000-7000-8000-000000000001', 'https://example.com/',
           'entry.created', n > 0, '', now() FROM generate_series(0, 2) n;
INSERT INTO events (id, workspace_id, kind, body, occurred_at)
    SELECT gen_random_uuid(), '00000000-0000-7000-8000-000000000001', 'entry.created', repeat('x', 800), now() FROM generate_series(1, :entries);
INSERT INTO deliveries (event_id, webhook_id, state, due_at)
    SELECT id, '00000000-0000-7000-8000-0000000000a1', 'pending', now() - interval '1 minute' FROM events;
INSERT INTO deliveries (event_id, webhook_id, state, due_at)
    SELECT id, '00000000-0000-7000-8000-0000000000a2', 'pending', now() - interval '1 minute' FROM events LIMIT 5;
VACUUM ANALYZE;
SQL

explain() {
    printf '\n## %s\n\n' "$1"
    sql -A -t -c "EXPLAIN (ANALYZE, BUFFERS, COSTS OFF, TIMING OFF, SUMMARY ON) $2"
}
list="'00000000-0000-7000-8000-000000000010'"
explain 'waitlists, a page' "SELECT * FROM waitlists WHERE workspace_id = '00000000-0000-7000-8000-000000000001'
    AND (created_at, id) < (now(), '00000000-0000-7000-8000-000000000010') ORDER BY created_at DESC, id DESC LIMIT 21"
explain 'entries, a page in the middle' "SELECT * FROM entries WHERE waitlist_id = $list AND position > $((entries / 2)) ORDER BY position LIMIT 21"
explain 'entries, a page of one status' "SELECT * FROM entries WHERE waitlist_id = $list AND status = 'approved' AND position > $((entries / 2)) ORDER BY position LIMIT 21"
explain 'leaderboard' "SELECT position, referral_count, email FROM entries WHERE waitlist_id = $list AND referral_count > 0
    AND status <> 'rejected' ORDER BY referral_count DESC, position LIMIT 50"
explain 'count' "SELECT pending + approved + rejected FROM waitlist_totals WHERE waitlist_id = $list"
explain 'sign-up: lock the list' "SELECT last_position FROM waitlist_totals WHERE waitlist_id = $list FOR UPDATE"
explain 'sign-up: is the address taken' "SELECT EXISTS (SELECT 1 FROM entries WHERE waitlist_id = $list AND email = 'p77@example.com')"
explain 'sign-up: who owns the code' "SELECT id, status FROM entries WHERE referral_code = 'CODE77' AND waitlist_id = $list"
explain 'sign-up: credit' "UPDATE entries SET referral_count = referral_count + 1 WHERE id = (SELECT id FROM entries WHERE referral_code = 'CODE77')"

# The statement itself, from the source, with values in place of its parameters.
claim=$(sed -n '/^const CLAIM: /,/";$/p' crates/postgres/src/deliveries.rs | sed '1d; s/";$//' |
    sed "s/\$1/now()/g; s/\$2/64/; s/\$3/ARRAY['00000000-0000-7000-8000-0000000000a1']::uuid[]/; s/\$4/'00000000-0000-0000-0000-000000000000'/; s/\$5/1024/; s/\$6/gen_random_uuid()/; s/\$7/now()/")
export PGOPTIONS='-c jit=off -c enable_seqscan=off -c enable_sort=off -c enable_hashjoin=off -c enable_mergejoin=off'
explain "claim, $entries deliveries waiting for another webhook that is busy" "$claim"
