#!/usr/bin/env bash
# Measures Rally under overload, on PostgreSQL: first 64 connections, then 2,500 at once. Prints how many requests were answered,
# how fast, and the peak memory.
set -euo pipefail
cd "$(dirname "$0")/.."
cargo build --profile dist --quiet -p rally-api
. scripts/cluster.sh
export RALLY_JWT_SECRET=the-secret-of-a-benchmark-32-bytes RALLY_ENCRYPTION_KEY=MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=
export RALLY_BIND=127.0.0.1:18082 RALLY_LOG=off RALLY_SIGNUP_RATE=off
ulimit -n "$(ulimit -Hn)"
target/dist/rally bench seed --list hot --entries 1000 | sed -n '/"codes": \[/,/\]/s/^ *"\([A-Z0-9]*\)",\{0,1\}$/\1/p' >"$folder/codes"
target/dist/rally serve >/dev/null & server=$!
trap 'kill "$server" 2>/dev/null && wait "$server" || true; stop_cluster' EXIT
ready "http://$RALLY_BIND/readyz" "$server"
resident() { awk '/^VmHWM/ { printf "%.0f MB\n", $2 / 1000 }' "/proc/$server/status"; }
for connections in 64 2500; do
    echo "== $connections connections; peak resident memory before: $(resident)"
    wrk -t2 -c"$connections" -d10s --timeout 10s --latency -s scripts/bench/signup.lua "http://$RALLY_BIND/v1/waitlists/bench/hot/entries" -- "o$connections" "$folder/codes" 0 0 |
        grep -E 'Requests/sec|requests in|50%|99%|refused|Non-2xx'
    curl -s "http://$RALLY_BIND/metrics" | grep -E '^rally_(http_requests_total\{method="POST"|shed_total)'
done
echo "peak resident memory after: $(resident)"
curl -sf -o /dev/null -w 'ready again in %{time_total} s\n' "http://$RALLY_BIND/readyz"
