set positional-arguments

# List the recipes.
default:
    @just --list

# Run the server.
run *ARGS:
    cargo run --release -- "$@"

# Run the server with a mail server and stand-ins for Envoi, Heimdall and siteverify, and print what they receive.
run-demo:
    ./scripts/run-demo.sh

# Run every test, or the tests whose names contain a text.
test *ARGS:
    ./scripts/test.sh "$@"

# Take pictures of the pages and the widget.
screenshots FOLDER="screenshots":
    ./scripts/screenshots.sh "$1"

# Run everything that CI runs: all tests, then all checks below.
check:
    ./.ci/run

# Format the code.
fmt:
    cargo fmt --all

# Check the format.
fmt-check:
    ./scripts/check.sh formatting

# Run clippy; a warning is an error.
lint:
    ./scripts/check.sh lints

# Build the domain alone, without the features that other crates turn on.
domain:
    ./scripts/check.sh domain

# Package the crates that others build on.
packages:
    ./scripts/check.sh packages

# Build the documentation of all crates; a warning is an error.
docs:
    ./scripts/check.sh documentation

# Check licences, bans and sources of dependencies; DENY_ADVISORIES=1 adds advisories, which need the internet.
deny:
    ./scripts/check.sh dependencies

# Accept the OpenAPI document of the code as tests/snapshots/openapi.json.
accept:
    RALLY_ACCEPT=1 cargo test --locked --workspace --test suite openapi

# Create an empty migration for both stores.
migration NAME:
    ./scripts/migration.sh "$1"

# Measure Rally beside simpler alternatives, and write the table into docs/PERFORMANCE.md.
bench:
    ./scripts/bench.sh

# Run for an hour at half of the peak, with a webhook and mail, on a store: postgres or embedded.
soak STORE="postgres" MINUTES="60":
    ./scripts/soak.sh "$1" "$2"

# Measure deliveries to webhooks.
bench-webhooks:
    ./scripts/bench-webhooks.sh

# Print how PostgreSQL plans the hot statements.
explain:
    ./scripts/explain.sh

# Fuzz parsers of outside input, a minute each.
fuzz:
    ./scripts/fuzz.sh
