#!/usr/bin/env bash
# Runs Rally for an hour at half of its peak, with a webhook and mail. Arguments: the store (postgres or embedded) and the minutes.
# Prints a row for every minute, then whether the queues became empty, and what each table takes for a row. RALLY and TOOL name
# programs that are built already. PORT is the first of three ports, so that both stores can run at once.
set -euo pipefail
cd "$(dirname "$0")/.."
store=${1:-postgres} minutes=${2:-60}
if ! command -v wrk >/dev/null || ! command -v sqlite3 >/dev/null; then
    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends wrk sqlite3 >/dev/null
fi
[ -n "${RALLY:-}" ] || cargo build --profile dist --quiet -p rally-api -p rally-bench
rally=${RALLY:-target/dist/rally} tool=${TOOL:-target/dist/rally-bench} port=${PORT:-18080}
receiver=127.0.0.1:$((port + 1)) mailer=127.0.0.1:$((port + 2))
export RALLY_JWT_SECRET=the-secret-of-a-benchmark-32-bytes RALLY_ENCRYPTION_KEY=MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=
export RALLY_BIND=127.0.0.1:$port RALLY_LOG=warn RALLY_SIGNUP_RATE=off RALLY_WEBHOOK_ALLOW=127.0.0.1/32,http://127.0.0.1
export RALLY_SMTP_URL="smtp://$mailer?tls=none" RALLY_SMTP_FROM='Acme <hello@acme.example>' RALLY_MAIL_BUDGET=off
base=http://$RALLY_BIND
others=() server=''
stop_all() {
    for pid in $server "${others[@]}"; do kill "$pid" 2>/dev/null && wait "$pid" 2>/dev/null || true; done
    if [ "$store" = postgres ]; then stop_cluster; else rm -rf "$folder"; fi
}
. scripts/ready.sh
if [ "$store" = postgres ]; then
    AUTOVACUUM=on
    . scripts/cluster.sh
    "$rally" migrate >/dev/null
    ask() { sql -Atc "$1"; }
else
    folder=$(mktemp -d)
    export RALLY_DATA_DIR=$folder/data
    mkdir "$RALLY_DATA_DIR"
    ask() { sqlite3 -cmd '.timeout 10000' "$RALLY_DATA_DIR/rally.db" "$1"; }
fi
trap stop_all EXIT

field() { sed -n "s/^ *\"$1\": \"\{0,1\}\([^\",]*\)\"\{0,1\},\{0,1\}$/\1/p"; }
"$rally" bench seed --list hot --entries 1000 >"$folder/seeded"
sed -n '/"codes": \[/,/\]/s/^ *"\([A-Z0-9]*\)",\{0,1\}$/\1/p' "$folder/seeded" >"$folder/codes"
workspace=$(field workspace_id <"$folder/seeded")
token=$("$rally" token mint --workspace bench)
"$tool" receive --bind $receiver & others+=($!)
"$tool" mail --bind $mailer & others+=($!)
"$rally" serve >/dev/null 2>"$folder/rally.log" & server=$!
ready "$base/readyz" "$server"
admin() { curl -sf -o /dev/null -H "authorization: Bearer $token" -H 'content-type: application/json' "$@"; }
admin "$base/v1/workspaces/$workspace/webhooks" -d '{"url": "http://'"$receiver"'/", "events": ["entry.created"]}'
admin -X PUT "$base/v1/workspaces/$workspace/rally/settings" -d '{"notifications": "smtp"}'

# Arguments: seconds, pause between the requests of a connection in milliseconds.
sign_ups() {
    wrk -t2 -c64 -d"$1s" --latency -s scripts/bench/signup.lua "$base/v1/waitlists/bench/hot/entries" -- "r$(date +%s%N)" "$folder/codes" 0 "$2" >"$folder/wrk"
    grep -q '^refused 0$' "$folder/wrk" || { cat "$folder/wrk" >&2; exit 1; }
}
waiting() { ask "SELECT (SELECT count(*) FROM deliveries WHERE state IN ('pending', 'running')) + (SELECT count(*) FROM mails WHERE state IN ('pending', 'running'))" | tail -n 1; }
sign_ups 20 0
peak=$(awk '/^Requests\/sec:/ { printf "%d", $2 }' "$folder/wrk")
until [ "$(waiting)" = 0 ]; do sleep 1; done
pause=$(awk -v p="$peak" 'BEGIN { printf "%d", 64 / (p / 2) * 1000 }')
printf 'peak %s /s\n\n| minute | sign-ups | p50 | p99 | waiting deliveries and mails | memory |\n|---|---|---|---|---|---|\n' "$peak"
for minute in $(seq "$minutes"); do
    sign_ups 60 "$pause"
    printf '| %s | %s /s | %s | %s | %s | %s MB |\n' "$minute" "$(awk '/^Requests\/sec:/ { printf "%d", $2 }' "$folder/wrk")" \
        "$(awk '/ 50%/ { print $2 }' "$folder/wrk")" "$(awk '/ 99%/ { print $2 }' "$folder/wrk")" "$(waiting)" \
        "$(awk '/^VmRSS/ { printf "%d", $2 / 1000 }' "/proc/$server/status")"
done
begun=$(date +%s)
until [ "$(waiting)" = 0 ]; do sleep 1; done
printf '\nthe queues were empty after %s s\n\n' "$(($(date +%s) - begun))"
if [ "$store" = postgres ]; then
    printf '| table | rows | dead | bytes of a row, with indexes | vacuumed by itself |\n|---|---|---|---|---|\n'
    ask "SELECT format('| %s | %s | %s | %s | %s times |', relname, n_live_tup, n_dead_tup, pg_total_relation_size(relid) / greatest(n_live_tup, 1),
        autovacuum_count) FROM pg_stat_user_tables WHERE pg_total_relation_size(relid) > 1000000 ORDER BY pg_total_relation_size(relid) DESC"
else
    printf 'rally.db: %s MB, of which free: %s pages of %s; entries: %s\n' "$(du -m "$RALLY_DATA_DIR/rally.db" | cut -f1)" \
        "$(ask 'PRAGMA freelist_count' | tail -n 1)" "$(ask 'PRAGMA page_count' | tail -n 1)" "$(ask 'SELECT count(*) FROM entries' | tail -n 1)"
    printf 'rally.db-wal: %s MB\n' "$(du -m "$RALLY_DATA_DIR/rally.db-wal" | cut -f1)"
fi
printf 'log: %s lines\n' "$(wc -l <"$folder/rally.log")"
sed -n 1,20p "$folder/rally.log"
