#!/usr/bin/env bash
# Fuzzes parsers of outside input for a minute each, or for the given number of seconds. Installs cargo-fuzz if it is
# missing.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:-60}
command -v cargo-fuzz >/dev/null || cargo install --locked cargo-fuzz
# A fuzzer needs compiler flags that are not stable.
export RUSTC_BOOTSTRAP=1
cp Cargo.lock fuzz/Cargo.lock
for target in cursor token email accept_language forwarded settings import; do
    echo "== $target"
    cargo fuzz run --sanitizer none "$target" -- -max_total_time="$seconds" -rss_limit_mb=4096 -print_final_stats=0
done
