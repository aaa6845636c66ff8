#!/usr/bin/env bash
# How PostgreSQL plans the hot statements at 100,000 entries: starts a throwaway cluster, fills it, prints the plans.
set -euo pipefail
cd "$(dirname "$0")/.."
entries=${1:-100000}

bin=$(dirname "$(command -v initdb || compgen -G "/usr/lib/postgresql/*/bin/initdb" | sort -V | tail -n 1)")
folder=$(mktemp -d)
account=()
if [ "$(id -u)" = 0 ]; then
    chown postgres: "$folder"
    account=(setpriv --reuid=postgres --regid=postgres --clear-groups)
fi
stop() {
    (cd / && "${account[@]}" "$bin/pg_ctl" -D "$folder/data" -m immediate -w stop >/dev/null 2>&1) || true
    rm -rf "$folder"
}
trap stop EXIT
(cd / && "${account[@]}" "$bin/initdb" -D "$folder/data" -U rally --auth=trust --encoding=UTF8 --locale=C >/dev/null)
(cd / && "${account[@]}" "$bin/pg_ctl" -D "$folder/data" -w -l "$folder/log" \
    -o "-c listen_addresses= -c unix_socket_directories=$folder" start >/dev/null)
socket=${folder//\//%2F}
export DATABASE_URL="postgres://rally@$socket/postgres"
cargo run --quiet -- migrate >/dev/null
sql() { psql -h "$folder" -U rally -d postgres -v ON_ERROR_STOP=1 -q -X -P pager=off "$@"; }

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
