#!/usr/bin/env bash
# Runs the checks beside the tests, or those that are named: formatting, lints, domain, packages, documentation, dependencies; fuzz only
# if it is named.
set -euo pipefail
cd "$(dirname "$0")/.."

formatting() { cargo fmt --all --check; }

lints() { cargo clippy --locked --workspace --all-targets --all-features -- -D warnings; }

# The domain by itself, without the features that other crates turn on.
domain() {
    cargo build --locked -p rally-domain
    cargo build --locked -p rally-domain --features mock
}

# Packages for other projects, in a folder of its own: cargo would verify the second crate against a package of the first that it
# unpacked before.
packages() {
    folder=$(mktemp -d)
    trap 'rm -rf "$folder"' EXIT
    cargo package --locked --allow-dirty --quiet --target-dir "$folder" -p rally-domain -p rally-contracts
}

documentation() { RUSTDOCFLAGS='-D warnings' cargo doc --locked --workspace --no-deps; }

# Advisories need a database that is cloned from the internet. Set DENY_ADVISORIES=1 if it can be reached.
dependencies() {
    # A build with optimizations would take longer than the check.
    command -v cargo-deny >/dev/null || cargo install --locked --debug cargo-deny
    cargo deny --all-features check ${DENY_ADVISORIES:+advisories} licenses bans sources
}

# The fuzz targets compile, with the versions of the workspace. The fuzzer itself, which is C++, is not built. It takes minutes, because
# most dependencies have other features there.
fuzz() {
    cp Cargo.lock fuzz/Cargo.lock
    CUSTOM_LIBFUZZER_PATH=/none/libfuzzer.a cargo check --manifest-path fuzz/Cargo.toml --target-dir "${CARGO_TARGET_DIR:-target}"
}

steps=("$@")
[ $# -gt 0 ] || steps=(formatting lints domain packages documentation dependencies)
for step in "${steps[@]}"; do
    echo "== $step"
    "$step"
done
