#!/usr/bin/env bash
# Everything that must hold beside the tests: formatting, lints, the domain built alone, documentation, dependency policy.
set -euo pipefail
cd "$(dirname "$0")/.."

echo '== formatting'
cargo fmt --all --check

echo '== lints'
cargo clippy --locked --workspace --all-targets --all-features -- -D warnings

echo '== the domain alone'
cargo build --locked -p rally-domain
cargo build --locked -p rally-domain --features mock

echo '== packages that others build on'
cargo package --locked --allow-dirty --quiet -p rally-domain -p rally-contracts

echo '== documentation'
RUSTDOCFLAGS='-D warnings' cargo doc --locked --workspace --no-deps

echo '== dependency policy'
command -v cargo-deny >/dev/null || cargo install --locked cargo-deny
# Advisories need a database that is cloned from the internet: DENY_ADVISORIES=1 where it can be reached.
cargo deny --all-features check ${DENY_ADVISORIES:+advisories} licenses bans sources
