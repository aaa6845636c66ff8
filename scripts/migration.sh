#!/usr/bin/env bash
# Makes an empty migration of that name, verb_object, for both stores.
set -euo pipefail
cd "$(dirname "$0")/.."
name=${1:?usage: migration.sh verb_object}
[[ $name =~ ^[a-z]+(_[a-z]+)+$ ]] || { echo "a migration's name is verb_object" >&2; exit 1; }
stamp=$(date -u +%Y-%m-%d-%H%M%S)-0000
for store in postgres sqlite; do
    folder=migrations/$store/${stamp}_$name
    mkdir -p "$folder"
    touch "$folder/up.sql" "$folder/down.sql"
    echo "$folder"
done
