#!/usr/bin/env bash
# Runs all checks beside the tests: formatting, lints, the domain built by itself, documentation, dependency policy.
set -euo pipefail
cd "$(dirname "$0")/.."

echo '== formatting'
cargo fmt --all --check

echo '== lints'
cargo clippy --locked --workspace --all-targets --all-features -- -D warnings

echo '== the domain by itself'
cargo build --locked -p rally-domain
cargo build --locked -p rally-domain --features mock

echo '== packages for other projects'
# In a folder of its own: cargo would verify the second crate against a package of the first that it unpacked before.
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cargo package --locked --allow-dirty --quiet --target-dir "$folder" -p rally-domain -p rally-contracts

echo '== documentation'
RUSTDOCFLAGS='-D warnings' cargo doc --locked --workspace --no-deps

echo '== dependency policy'
# A build with optimizations would take longer than the check.
command -v cargo-deny >/dev/null || cargo install --locked --debug cargo-deny
# Advisories need a database that is cloned from the internet. Set DENY_ADVISORIES=1 if it can be reached.
cargo deny --all-features check ${DENY_ADVISORIES:+advisories} licenses bans sources
