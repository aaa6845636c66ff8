#!/usr/bin/env bash
# Measures how fast events reach a receiver on this machine, on PostgreSQL. Builds Rally, starts a throwaway cluster and the
# server, and prints a table. The argument is the number of events of a run.
set -euo pipefail
cd "$(dirname "$0")/.."
events=${1:-20000}
cargo build --profile dist --quiet -p rally-api -p rally-bench
. scripts/cluster.sh

export RALLY_JWT_SECRET=the-secret-of-a-benchmark-32-bytes RALLY_ENCRYPTION_KEY=MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=
export RALLY_BIND=127.0.0.1:18080 RALLY_WEBHOOK_ALLOW=127.0.0.1/32,http://127.0.0.1 RALLY_LOG=warn RALLY_SIGNUP_RATE=off
rally=target/dist/rally
workspace=$("$rally" workspace create bench | sed -n 's/^  "id": "\(.*\)",$/\1/p')
token=$("$rally" token mint --workspace bench)
"$rally" serve >/dev/null &
server=$!
stop_all() {
    kill "$server" 2>/dev/null && wait "$server" || true
    stop_cluster
}
trap stop_all EXIT
ready http://127.0.0.1:18080/readyz "$server"

cat >"$folder/seed.sql" <<'SQL'
WITH written AS (
    INSERT INTO events (id, workspace_id, kind, body, occurred_at)
    SELECT gen_random_uuid(), workspace_id, 'entry.created', repeat('x', 800), now()
    FROM (SELECT DISTINCT workspace_id FROM webhooks) w, generate_series(1, :events) RETURNING id, workspace_id
)
INSERT INTO deliveries (event_id, webhook_id, state, due_at)
SELECT e.id, w.id, 'pending', now() FROM written e JOIN webhooks w USING (workspace_id);
SQL
target/dist/rally-bench webhooks --base http://127.0.0.1:18080 --workspace "$workspace" --token "$token" --events "$events" \
    --seed "psql -h $folder -U rally -d postgres -q -X -v events=\$EVENTS -f $folder/seed.sql"
