# List the recipes.
default:
    @just --list

# Run the server.
run *ARGS:
    cargo run --release -- {{ARGS}}

# Run the server with a mail server and stand-ins for Envoi, Heimdall and siteverify, and print what they receive.
run-demo:
    ./scripts/run-demo.sh

# Run every test, or the tests whose names contain a text.
test *ARGS:
    ./scripts/test.sh {{ARGS}}

# Take pictures of the pages and the widget.
screenshots FOLDER="screenshots":
    ./scripts/screenshots.sh {{FOLDER}}

# Run everything that CI runs: all tests, then all checks below.
check:
    ./.ci/run

# Format the code.
fmt:
    cargo fmt --all

# Check the format.
fmt-check:
    cargo fmt --all --check

# Run clippy; a warning is an error.
lint:
    cargo clippy --locked --workspace --all-targets --all-features -- -D warnings

# Build the domain alone, without the features that other crates turn on.
domain:
    cargo build --locked -p rally-domain && cargo build --locked -p rally-domain --features mock

# Package the crates that others build on.
packages:
    folder=$(mktemp -d) && cargo package --locked --allow-dirty --quiet --target-dir "$folder" -p rally-domain -p rally-contracts && rm -rf "$folder"

# Build the documentation of all crates; a warning is an error.
docs:
    RUSTDOCFLAGS='-D warnings' cargo doc --locked --workspace --no-deps

# Check licences, bans and sources of dependencies; DENY_ADVISORIES=1 adds advisories, which need the internet.
deny:
    cargo deny --all-features check ${DENY_ADVISORIES:+advisories} licenses bans sources

# Accept the OpenAPI document of the code as tests/snapshots/openapi.json.
accept:
    RALLY_ACCEPT=1 cargo test --locked --workspace --test suite openapi

# Create an empty migration for both stores.
migration NAME:
    ./scripts/migration.sh {{NAME}}

# Measure Rally beside simpler alternatives, and write the table into docs/PERFORMANCE.md.
bench:
    ./scripts/bench.sh

# Run for an hour at half of the peak, with a webhook and mail, on a store: postgres or embedded.
soak STORE="postgres" MINUTES="60":
    ./scripts/soak.sh {{STORE}} {{MINUTES}}

# Measure deliveries to webhooks.
bench-webhooks:
    ./scripts/bench-webhooks.sh

# Print how PostgreSQL plans the hot statements.
explain:
    ./scripts/explain.sh

# Fuzz parsers of outside input, a minute each.
fuzz:
    ./scripts/fuzz.sh
