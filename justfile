# Lists the recipes.
default:
    @just --list

# Runs the server.
run *ARGS:
    cargo run --release -- {{ARGS}}

# Runs the server with stand-ins of Envoi, Heimdall and siteverify, and prints what they are sent.
run-demo:
    ./scripts/run-demo.sh

# Runs every test, or those whose names hold a text.
test *ARGS:
    ./scripts/test.sh {{ARGS}}

# Everything CI runs.
check:
    ./.ci/run

# How fast events reach their receivers, and how the hot statements are planned at 100,000 entries.
bench:
    ./scripts/bench-webhooks.sh
    ./scripts/explain.sh

# Makes an empty migration for both stores.
migration NAME:
    ./scripts/migration.sh {{NAME}}

# Formats the code.
fmt:
    cargo fmt --all
