#!/usr/bin/env bash
# Shows how PostgreSQL executes the hot statements, as the server sends them, on a list of a million entries that nobody analyzed.
# Starts a throwaway cluster, fills it, calls every hot route eight times, and prints the cost of the last call of each statement.
# PLANS names a file for the plans themselves. The argument is the number of entries.
set -euo pipefail
cd "$(dirname "$0")/.."
entries=${1:-1000000}
cargo build --profile dist --quiet -p rally-api -p rally-bench
rally=target/dist/rally
. scripts/cluster.sh
export RALLY_JWT_SECRET=the-secret-of-a-benchmark-32-bytes RALLY_ENCRYPTION_KEY=MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=
export RALLY_BIND=127.0.0.1:18080 RALLY_LOG=warn RALLY_SIGNUP_RATE=off
field() { sed -n "s/^ *\"$1\": \"\{0,1\}\([^\",]*\)\"\{0,1\},\{0,1\}$/\1/p"; }
"$rally" migrate >/dev/null
seeded=$("$rally" bench seed --list hot --entries "$entries")
workspace=$(field workspace_id <<<"$seeded") list=$(field waitlist_id <<<"$seeded")
token=$("$rally" token mint --workspace bench)
code=$(sed -n '/"codes": \[/,/\]/s/^ *"\([A-Z0-9]*\)",\{0,1\}$/\1/p' <<<"$seeded" | sed -n 1p)

sql <<'SQL'
LOAD 'auto_explain';
ALTER SYSTEM SET session_preload_libraries = 'auto_explain';
ALTER SYSTEM SET auto_explain.log_min_duration = 0;
ALTER SYSTEM SET auto_explain.log_analyze = on;
ALTER SYSTEM SET auto_explain.log_buffers = on;
ALTER SYSTEM SET auto_explain.log_timing = off;
ALTER SYSTEM SET log_line_prefix = '';
SELECT pg_reload_conf() \g /dev/null
SQL

"$rally" serve >/dev/null &
server=$!
stop_all() {
    kill "$server" 2>/dev/null && wait "$server" || true
    stop_cluster
}
trap stop_all EXIT
base=http://$RALLY_BIND
ready "$base/readyz" "$server"

admin=$base/v1/workspaces/$workspace/waitlists/$list
get() { curl -sf -o "$folder/reply" "$@" -H "authorization: Bearer $token"; }
sign_up() {
    curl -sf -o "$folder/reply" "$base/v1/waitlists/bench/hot/entries" -H 'content-type: application/json' \
        -d "{\"email\":\"x$RANDOM$(date +%s%N)@example.com\",\"name\":\"Somebody\",\"referral_code\":\"$code\"}"
}
next() { sed -n 's/.*"next_cursor":"\([^"]*\)".*/\1/p' "$folder/reply"; }
# Calls one at a time use one connection. After the pause of 1.1 s it has discarded its plans, so each call plans again.
section() {
    sql -c "SELECT 'section: $1'" >/dev/null
    local n; for n in 1 2 3 4 5 6 7 8; do eval "$2"; sleep 1.1; done
}
section 'public info' 'get "$base/v1/waitlists/bench/hot"'
section 'leaderboard' 'get "$base/v1/waitlists/bench/hot/leaderboard"'
section 'sign-up with a code' 'sign_up'
section 'entries, first page' 'get "$admin/entries?limit=50"'
get "$admin/entries?limit=50"
section 'entries, a next page' 'get "$admin/entries?limit=50&cursor=$(next)"'
section 'entries of one status' 'get "$admin/entries?limit=50&status=approved"'
section 'count' 'get "$admin/entries/count"'
section 'analytics' 'get "$admin/analytics"'
section 'timeline' 'get "$admin/analytics/timeline?since=$(date -u -d "-240 days" +%F)&until=$(date -u +%F)"'
approve() { sign_up; get -X PATCH "$admin/entries/$(sed -n 's/.*"id":"\([^"]*\)".*/\1/p' "$folder/reply")" -H 'content-type: application/json' -d '{"status":"approved"}'; }
section 'approve (after a sign-up)' 'approve'
sleep 1

[ -z "${PLANS:-}" ] || cp "$folder/log" "$PLANS"
# The last plan of each statement, under the first request that sent it: the indexes and tables that it reads, pages, time.
awk '
function flush() {
    if (query != "" && section != "" && query !~ /section: / && query !~ /pg_reload|pg_stat|deliveries|mails|SELECT 1/) {
        if (!(query in line)) { order[++n] = query; of[query] = section }
        line[query] = sprintf("| %s | `%s` | %s | %s | %s |", of[query], substr(query, 1, 60), how, pages, time)
    }
    query = ""
}
/^LOG:  duration: .* plan:/ { flush(); time = $3 " ms"; how = ""; pages = 0; seen = 0; inside = 0; next }
/^\tQuery Text: / { query = substr($0, 14); inside = 1; if (query ~ /section: /) { section = query; sub(/.*section: /, "", section); sub(/.$/, "", section) } next }
/^[A-Z]+:  / { flush(); next }
inside && /^\t.*\(cost=/ { inside = 2 }
inside == 2 && /(Seq Scan|Index Scan|Index Only Scan|Bitmap Index Scan)/ {
    node = $0; sub(/^[\t ]*(-> *)?/, "", node); sub(/ +\(cost=.*/, "", node); sub(/^.*-> +/, "", node)
    if (index(how, node) == 0) how = how (how == "" ? "" : "; ") node
}
inside == 2 && /Buffers: / && !seen { seen = 1; for (i = 1; i <= NF; i++) if ($i ~ /^(hit|read)=/) { v = $i; sub(/.*=/, "", v); pages += v } }
END { flush(); print "| request | statement | reads | pages | time |\n|---|---|---|---|---|"; for (i = 1; i <= n; i++) print line[order[i]] }
' "$folder/log"
