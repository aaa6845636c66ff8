#!/usr/bin/env bash
# Measures Rally on this machine, beside the usual alternatives. Both are measured in turn in the same run. The results are
# medians of five rounds. Prints a table and puts it into docs/PERFORMANCE.md. ROUNDS and SECONDS_EACH make the run shorter.
# ENTRIES sets the size of the large list. RALLY and TOOL name programs that are built already.
set -euo pipefail
# A failure in $(…) ends the run.
shopt -s inherit_errexit
cd "$(dirname "$0")/.."
rounds=${ROUNDS:-5} each=${SECONDS_EACH:-6} entries=${ENTRIES:-1000000}

if ! command -v wrk >/dev/null; then
    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends wrk >/dev/null
fi
[ -n "${RALLY:-}" ] || cargo build --profile dist --quiet -p rally-api -p rally-bench
rally=${RALLY:-target/dist/rally} tool=${TOOL:-target/dist/rally-bench}
. scripts/cluster.sh
table=$folder/table.md
: >"$table"
export RALLY_JWT_SECRET=the-secret-of-a-benchmark-32-bytes RALLY_ENCRYPTION_KEY=MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=
export RALLY_BIND=127.0.0.1:18080 RALLY_LOG=warn RALLY_SIGNUP_RATE=off RALLY_WEBHOOK_ALLOW=127.0.0.1/32,http://127.0.0.1
base=http://$RALLY_BIND bare=http://127.0.0.1:18081
server='' other=''
stop_all() {
    for pid in $server $other; do kill "$pid" 2>/dev/null && wait "$pid" 2>/dev/null || true; done
    stop_cluster
}
trap stop_all EXIT

serve() { "$rally" serve >/dev/null 2>>"$folder/rally.log" & server=$!; ready "$base/readyz" "$server"; }
stop() { kill "$server" && wait "$server" || true; server=''; }
seed() { "$rally" bench seed --list "$1" --entries "$2"; }
field() { sed -n "s/^ *\"$1\": \"\{0,1\}\([^\",]*\)\"\{0,1\},\{0,1\}$/\1/p"; }
codes_of() { sed -n '/"codes": \[/,/\]/s/^ *"\([A-Z0-9]*\)",\{0,1\}$/\1/p'; }
median() { sort -g | awk '{ v[NR] = $1 } END { printf "%.0f\n", v[int((NR + 1) / 2)] }'; }
ratio() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.2f", a / b }'; }
row() { printf '| %s | %s | %s | %s | %s |\n' "$@" | tee -a "$table"; }
rate() { awk '/^Requests\/sec:/ { print $2 }'; }


# Sign-ups per second. Arguments: connections, number of lists (0: the list of the fourth argument), pause in milliseconds, list.
# A refused sign-up makes the run fail.
sign_ups() {
    local run; run=$(date +%s%N)
    wrk -t2 -c"$1" -d"${each}s" --latency -s scripts/bench/signup.lua "$base/v1/waitlists/bench/$4/entries" -- "r$run" "$folder/codes" "$2" "$3" >"$folder/wrk"
    grep -q '^refused 0$' "$folder/wrk" || { cat "$folder/wrk" >&2; exit 1; }
    rate <"$folder/wrk"
}
naive() { pgbench -h "$folder" -U rally -n -M prepared -c "$1" -j 2 -T "$each" -D lists="$2" -f scripts/bench/naive.sql postgres 2>/dev/null | awk '/^tps/ { print $3 }'; }
reads() { wrk -t2 -c64 -d"${each}s" "$1" >"$folder/wrk"; ! grep -q 'Non-2xx' "$folder/wrk" || { cat "$folder/wrk" >&2; exit 1; }; rate <"$folder/wrk"; }

compare() { # what, goal, ours, theirs
    local ours=() theirs=() n
    for n in $(seq "$rounds"); do
        ours+=("$(eval "$3")")
        theirs+=("$(eval "$4")")
    done
    local a b
    a=$(printf '%s\n' "${ours[@]}" | median)
    b=$(printf '%s\n' "${theirs[@]}" | median)
    row "$1" "$a /s" "$b /s" "$(ratio "$a" "$b") ×" "$2"
    peak=$a
}

printf '| what | Rally | measured against | ratio | goal |\n|---|---|---|---|---|\n' | tee -a "$table"
sql -f scripts/bench/naive-schema.sql
"$rally" migrate >/dev/null
seed hot 1000 | codes_of >"$folder/codes"
for n in $(seq 0 99); do seed "many-$n" 1 >/dev/null; done
serve
first=$(sign_ups 64 0 0 hot | cut -d. -f1)
alone=$(naive 64 1 | cut -d. -f1)
row "sign-ups in the first $each s of a launch on a fresh database, 64 / 64" "$first /s" "$alone /s" "$(ratio "$first" "$alone") ×" '≥ 6 ×'
compare 'sign-ups, one hot list, 64 connections / naive transaction, 64 clients' '≥ 8 ×' 'sign_ups 64 0 0 hot' 'naive 64 1'
half=$peak
compare 'the same, 256 connections / 256 clients' '≥ 12 ×' 'sign_ups 256 0 0 hot' 'naive 256 1'
compare 'the same on 100 lists at once, 64 / 64' '≥ 1 ×' 'sign_ups 64 100 0 hot' 'naive 64 100'
sign_ups 64 0 "$(awk -v r="$half" 'BEGIN { printf "%d", 64 / (r / 2) * 1000 }')" hot >"$folder/rate"
row "99 % of sign-ups at $(cut -d. -f1 "$folder/rate") /s, half of the peak" "$(awk '/ 99%/ { print $2 }' "$folder/wrk")" '' '' '< 25 ms'

curl -sf "$base/v1/waitlists/bench/hot" >"$folder/info"
"$tool" bare --bind "${bare#http://}" --body "$folder/info" & other=$!
ready "$bare/" "$other"
compare 'public info, 64 connections / bare route, same bytes' '≥ 0.75 ×' "reads $base/v1/waitlists/bench/hot" "reads $bare/"
kill "$other"; wait "$other" 2>/dev/null || true
curl -sf "$base/v1/waitlists/bench/hot/leaderboard" >"$folder/leaders"
"$tool" bare --bind "${bare#http://}" --body "$folder/leaders" & other=$!
ready "$bare/" "$other"
compare 'leaderboard, 64 connections / the same' '≥ 0.5 ×' "reads $base/v1/waitlists/bench/hot/leaderboard" "reads $bare/"
kill "$other"; wait "$other" 2>/dev/null || true
curl -sf "$base/w/bench/hot" >"$folder/page.html"
"$tool" bare --bind "${bare#http://}" --body "$folder/page.html" & other=$!
ready "$bare/" "$other"
compare 'hosted page, 64 connections / the same' '≥ 0.5 ×' "reads $base/w/bench/hot" "reads $bare/"
kill "$other"; wait "$other" 2>/dev/null || true

# One webhook with a receiver that costs almost nothing. Each round waits until all is delivered.
"$tool" receive --bind "${bare#http://}" & other=$!
until : 2>/dev/null >/dev/tcp/127.0.0.1/"${bare##*:}"; do sleep 0.02; done
token=$("$rally" token mint --workspace bench)
workspace=$(sql -Atc "SELECT id FROM workspaces WHERE slug = 'bench'")
hooks=$base/v1/workspaces/$workspace/webhooks
admin() { curl -sf -H "authorization: Bearer $token" -H 'content-type: application/json' "$@"; }
delivered() { sql -Atc "SELECT count(*) FROM deliveries WHERE state = 'done'"; }
waiting() { sql -Atc "SELECT count(*) FROM deliveries WHERE state <> 'done'"; }
hook=''
unhook() {
    if [ -n "$hook" ]; then admin -X DELETE "$hooks/$hook" >/dev/null; fi
    hook=''
}
with_hook() {
    hook=$(admin "$hooks" -d "{\"url\": \"$bare/\", \"events\": [\"entry.created\"]}" | sed -n 's/.*"id":"\([^"]*\)".*/\1/p')
    local before; before=$(delivered)
    sign_ups 64 0 0 hot | tee "$folder/with"
    echo "$(($(delivered) - before)) $each $(cat "$folder/with")" >>"$folder/deliveries"
    while [ "$(waiting)" != 0 ]; do sleep 0.2; done
    unhook
}
compare 'sign-ups with one webhook subscribed / without' '≥ 0.8 ×' with_hook 'sign_ups 64 0 0 hot'
awk '{ print $1 / $2 }' "$folder/deliveries" | median >"$folder/delivered"
awk '{ print $3 }' "$folder/deliveries" | median >"$folder/signed"
row 'deliveries to one fast receiver while sign-ups run / these sign-ups' "$(cat "$folder/delivered") /s" "$(cat "$folder/signed") /s" \
    "$(ratio "$(cat "$folder/delivered")" "$(cat "$folder/signed")") ×" '≥ 0.8 ×'
kill "$other"; wait "$other" 2>/dev/null || true
stop

# Mail goes to a server that costs almost nothing. Each round waits until all is sent.
export RALLY_SMTP_URL='smtp://127.0.0.1:18025?tls=none' RALLY_SMTP_FROM='Acme <hello@acme.example>' RALLY_MAIL_BUDGET=off
"$tool" mail --bind 127.0.0.1:18025 & other=$!
conf=$(seed conf 1 | field waitlist_id)
serve
notify() { admin -X PUT "$base/v1/workspaces/$workspace/rally/settings" -d "{\"notifications\": \"$1\"}" >/dev/null; }
notify smtp
admin -X PATCH "$base/v1/workspaces/$workspace/waitlists/$conf" -d '{"settings": {"email_confirmation": true}}' >/dev/null
unsent() { sql -Atc "SELECT count(*) FROM mails WHERE state IN ('pending', 'running')"; }
mailed() { # list
    notify smtp
    sign_ups 64 0 0 "$1"
    while [ "$(unsent)" != 0 ]; do sleep 0.2; done
    notify off
}
compare 'sign-ups with mail on, while it is sent / without' '≥ 0.8 ×' 'mailed hot' 'sign_ups 64 0 0 hot'
compare 'sign-ups that wait for their confirmation, while its mail is sent / without' '≥ 0.5 ×' 'mailed conf' 'sign_ups 64 0 0 hot'
stop
kill "$other"; wait "$other" 2>/dev/null || true
other=''
unset RALLY_SMTP_URL RALLY_SMTP_FROM RALLY_MAIL_BUDGET

small=$(seed small 1000)
large=$(seed large "$entries")
seconds=$(field seconds <<<"$large")
row "seed of $entries entries" "$(awk -v s="$seconds" 'BEGIN { printf "%.0f s", s }')" '' "$(awk -v n="$entries" -v s="$seconds" 'BEGIN { printf "%.0f /s", n / s }')" '< 120 s'
serve
list=$(field waitlist_id <<<"$large")
export_time() { curl -sf -o /dev/null -w '%{time_total}\n' "$base/v1/workspaces/$workspace/waitlists/$list/entries/export.csv" -H "authorization: Bearer $token"; }
copy_time() {
    local begun; begun=$(date +%s.%N)
    sql -c "\\copy (SELECT id, email, name, interest, referrer, referral_code, referral_count, referred_by_entry_id, position, greatest(1, position - referral_count), status, variant_id, invited_at, invited_to_app_slug, metadata, created_at, updated_at FROM entries WHERE waitlist_id = '$list' ORDER BY position) TO '$folder/copy.csv' CSV HEADER"
    awk -v a="$begun" -v b="$(date +%s.%N)" 'BEGIN { print b - a }'
}
resident() { awk '/^VmRSS/ { print $2 }' "/proc/$server/status"; }
peak_resident() { awk '/^VmHWM/ { print $2 }' "/proc/$server/status"; }
before=$(resident)
exports=() copies=()
for n in $(seq "$rounds"); do exports+=("$(export_time)"); copies+=("$(copy_time)"); done
hundredths() { awk '{ print $1 * 100 }' | median; }
a=$(printf '%s\n' "${exports[@]}" | hundredths) b=$(printf '%s\n' "${copies[@]}" | hundredths)
row "export of $entries entries / \\copy of the same" "$(awk -v a="$a" 'BEGIN { printf "%.2f s", a / 100 }')" "$(awk -v b="$b" 'BEGIN { printf "%.2f s", b / 100 }')" "$(ratio "$b" "$a") ×" '≥ 0.5 ×'
row 'memory that the export takes' "$(awk -v a="$before" -v b="$(peak_resident)" 'BEGIN { printf "%.1f MiB", (b - a) / 1024 }')" '' '' '≤ 32 MiB'

printf '\n| p50 of a single request | 1,000 entries | %s entries | ratio |\n|---|---|---|---|\n' "$entries" | tee -a "$table"
"$tool" latency --base "$base" --workspace bench --workspace-id "$workspace" --token "$token" \
    --small "small:$(field waitlist_id <<<"$small")" --large "large:$list" | tee -a "$table"
stop

printf '\n| what | Rally | measured against | ratio | goal |\n|---|---|---|---|---|\n' | tee -a "$table"
sleep 1
begun=$(date +%s%N)
serve
row 'cold start to ready, PostgreSQL' "$((($(date +%s%N) - begun) / 1000000)) ms" '' '' '≤ 300 ms'
sleep 2
row 'idle resident memory, PostgreSQL' "$(awk -v r="$(resident)" 'BEGIN { printf "%.1f MB", r / 1000 }')" '' '' '≤ 40 MB'
stop
unset DATABASE_URL
export RALLY_DATA_DIR=$folder/embedded
mkdir "$RALLY_DATA_DIR"
seed hot 1000 | codes_of >"$folder/codes"
begun=$(date +%s%N)
serve
row 'cold start to ready, embedded store' "$((($(date +%s%N) - begun) / 1000000)) ms" '' '' '≤ 300 ms'
sleep 2
row 'idle resident memory, embedded store' "$(awk -v r="$(resident)" 'BEGIN { printf "%.1f MB", r / 1000 }')" '' '' '≤ 40 MB'
sign_ups 64 0 0 hot >/dev/null
sqlite_naive() { rm -f "$folder"/naive.db*; "$tool" sqlite-naive --folder "$folder" --seconds "$each"; }
compare 'sign-ups, embedded store, 64 connections / one transaction each, 32 callers' '≥ 3 ×' 'sign_ups 64 0 0 hot' 'sqlite_naive'
stop

machine="$(nproc) cores of $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -1), $(awk '/^MemTotal/ { printf "%.0f GB", $2 / 1e6 }' /proc/meminfo), $("$bin/postgres" --version)"
{
    sed '/<!-- table -->/,$d' docs/PERFORMANCE.md
    printf '<!-- table -->\n%s on %s; load generator, server and database share the machine. `./scripts/bench.sh`, medians of %s runs of %s s.\n\n' "$(date -u +%F)" "$machine" "$rounds" "$each"
    cat "$table"
    printf '<!-- end of table -->\n'
    sed '1,/<!-- end of table -->/d' docs/PERFORMANCE.md
} >"$folder/page"
cp "$folder/page" docs/PERFORMANCE.md
