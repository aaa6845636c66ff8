#!/usr/bin/env bash
# Runs Rally with a mail server that keeps everything, and stand-ins of Envoi, Heimdall and siteverify. It prints mails and
# invitations as they happen. All data is in a temporary folder, which Ctrl-C deletes.
set -euo pipefail
cd "$(dirname "$0")/.."
cargo build --release --quiet -p rally-api -p rally-fakes
. scripts/ready.sh
folder=$(mktemp -d)
export RALLY_BIND=${RALLY_BIND:-127.0.0.1:8080} RALLY_DATA_DIR=$folder/data RALLY_LOG=${RALLY_LOG:-warn}
export RALLY_SMTP_URL=smtp://127.0.0.1:8184?tls=none RALLY_SMTP_FROM="Acme <hello@acme.example>"
export RALLY_ENVOI_URL=http://127.0.0.1:8181 RALLY_ENVOI_KEY=demo-key
export RALLY_HEIMDALL_URL=http://127.0.0.1:8182 RALLY_HEIMDALL_KEY=demo-key
export RALLY_HEIMDALL_ACCEPT_URL='https://app.example/{app_slug}/join?code={code}'
export RALLY_RECAPTCHA_URL=http://127.0.0.1:8183/siteverify RALLY_RECAPTCHA_SECRET=demo-key
stop_all() {
    kill "${pids[@]}" 2>/dev/null || true
    wait 2>/dev/null || true
    rm -rf "$folder"
}
trap stop_all EXIT
pids=()
target/release/rally-fakes &
pids+=($!)
target/release/rally serve >"$folder/greeting" &
pids+=($!)
base=http://$RALLY_BIND
ready "$base/readyz" "${pids[1]}"

token=$(target/release/rally token mint --workspace demo)
workspace=$(target/release/rally workspace list | sed -n 's/^ *"id": "\(.*\)",$/\1/p')
curl -sf -o /dev/null -X PUT "$base/v1/workspaces/$workspace/rally/settings" -H "authorization: Bearer $token" \
    -H 'content-type: application/json' -d '{"notifications": "smtp", "default_heimdall_app_slug": "acme-app", "brand_name": "Acme"}'
list=$(curl -sf "$base/v1/workspaces/$workspace/waitlists" -H "authorization: Bearer $token" | sed 's/.*"data":\[{"id":"\([^"]*\)".*/\1/')
cat <<TEXT

Rally runs on $base, and notifications are on. In another shell:

  # sign up: the welcome mail is printed here, in the language that you ask for, and its links work
  curl -s $base/v1/waitlists/demo/early-access/entries -H 'content-type: application/json' \\
    -d '{"email": "ada@example.com", "name": "Ada", "locale": "de"}'

  TOKEN=$token
  ENTRIES=$base/v1/workspaces/$workspace/waitlists/$list/entries

  # approve and invite the entry of that reply
  curl -s -X PATCH \$ENTRIES/ENTRY_ID -H "authorization: Bearer \$TOKEN" -H 'content-type: application/json' -d '{"status": "approved"}'
  curl -s -X POST \$ENTRIES/ENTRY_ID/invite-to-app -H "authorization: Bearer \$TOKEN" -H 'content-type: application/json' -d '{}'

  # ask for a captcha: the tokens human and human1 to human9 are accepted once, robot is refused
  curl -s -X PATCH ${base}/v1/workspaces/$workspace/waitlists/$list -H "authorization: Bearer \$TOKEN" \\
    -H 'content-type: application/json' -d '{"settings": {"recaptcha_site_key": "site"}}'
  curl -s $base/v1/waitlists/demo/early-access/entries -H 'content-type: application/json' \\
    -d '{"email": "bob@example.com", "name": "Bob", "recaptcha_token": "human"}'

TEXT
wait
