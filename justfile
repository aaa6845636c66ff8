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

# How fast Rally is beside what one would pick instead; writes the table into docs/PERFORMANCE.md.
bench:
    ./scripts/bench.sh

# How fast events reach their receivers.
bench-webhooks:
    ./scripts/bench-webhooks.sh

# How PostgreSQL plans the hot statements.
explain:
    ./scripts/explain.sh

# Fuzzes every parser that eats outside bytes, a minute each.
fuzz:
    ./scripts/fuzz.sh

# Makes an empty migration for both stores.
migration NAME:
    ./scripts/migration.sh {{NAME}}

# Formats the code.
fmt:
    cargo fmt --all
