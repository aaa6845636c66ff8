#!/usr/bin/env bash
# Makes an empty migration for both stores. The argument is its name, in the form verb_object.
set -euo pipefail
cd "$(dirname "$0")/.."
name=${1:?usage: migration.sh verb_object}
[[ $name =~ ^[a-z]+(_[a-z]+)+$ ]] || { echo "the name of a migration is verb_object, such as add_entry_note" >&2; exit 1; }
stamp=$(date -u +%Y-%m-%d-%H%M%S)-0000
for store in postgres sqlite; do
    folder=migrations/$store/${stamp}_$name
    mkdir -p "$folder"
    touch "$folder/up.sql" "$folder/down.sql"
    echo "$folder"
done
