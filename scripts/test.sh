#!/usr/bin/env bash
# Installs missing tools of the tests. Then runs every test, or the tests that the arguments name.
set -euo pipefail
cd "$(dirname "$0")/.."

have_postgres() {
    [ -n "${TEST_DATABASE_URL:-}" ] || command -v initdb >/dev/null || compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null
}

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

if ! have_postgres; then
    if command -v apt-get >/dev/null; then
        as_root apt-get update -qq
        # Only the server binaries are needed: the tests start throwaway clusters of their own.
        as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends postgresql >/dev/null
    elif command -v dnf >/dev/null; then
        as_root dnf install -y -q postgresql-server
    elif command -v brew >/dev/null; then
        brew install --quiet postgresql
    else
        echo "install the PostgreSQL server, or set TEST_DATABASE_URL to one" >&2
        exit 1
    fi
fi

# Some suites run real proxies in front of Rally, or a pooler in front of its database: a name, and its package for apt-get.
for proxy in nginx:nginx-light caddy:caddy pgbouncer:pgbouncer; do
    name=${proxy%:*}
    if command -v "$name" >/dev/null || [ -x "/usr/sbin/$name" ]; then continue; fi
    if command -v apt-get >/dev/null; then
        as_root apt-get update -qq
        as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${proxy#*:}" >/dev/null
        # The tests start programs of their own, so a service that the package started only holds a port.
        if [ -d /run/systemd/system ]; then as_root systemctl disable --quiet --now "$name"; fi
    elif command -v dnf >/dev/null; then
        as_root dnf install -y -q "$name"
    elif command -v brew >/dev/null; then
        brew install --quiet "$name"
    else
        echo "install $name" >&2
        exit 1
    fi
done

# One suite opens the pages in a real browser, with axe-core and the widget of ALTCHA, which its lock file pins.
if ! command -v chromedriver >/dev/null || ! { command -v chromium || command -v chromium-browser || command -v google-chrome; } >/dev/null; then
    if command -v apt-get >/dev/null; then
        as_root apt-get update -qq
        as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium chromium-driver >/dev/null
    elif command -v dnf >/dev/null; then
        as_root dnf install -y -q chromium chromedriver
    elif command -v brew >/dev/null; then
        brew install --quiet --cask chromium chromedriver
    else
        echo "install Chromium and its driver" >&2
        exit 1
    fi
fi
if [ ! -e tests/browser/node_modules/axe-core/axe.min.js ] || [ ! -e tests/browser/node_modules/altcha/dist/main/altcha.min.js ]; then
    if ! command -v npm >/dev/null; then
        if command -v apt-get >/dev/null; then
            as_root apt-get update -qq
            as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends npm >/dev/null
        elif command -v dnf >/dev/null; then
            as_root dnf install -y -q npm
        elif command -v brew >/dev/null; then
            brew install --quiet node
        else
            echo "install npm" >&2
            exit 1
        fi
    fi
    npm ci --prefix tests/browser --ignore-scripts --no-audit --no-fund --loglevel=error
fi

# A test opens the embedded store in another program, and a check below runs in it.
if ! command -v python3 >/dev/null; then
    if command -v apt-get >/dev/null; then
        as_root apt-get update -qq
        as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends python3 >/dev/null
    else
        echo "install python3" >&2
        exit 1
    fi
fi

# The bundled SQLite and aws-lc are written in C.
if ! command -v cc >/dev/null; then
    if command -v apt-get >/dev/null; then
        as_root apt-get update -qq
        as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends gcc libc6-dev >/dev/null
    else
        echo "install a C compiler" >&2
        exit 1
    fi
fi

cargo test --locked --workspace "$@"
[ $# -eq 0 ] || exit 0

echo '== the OpenAPI document, in an independent validator'
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
if ! python3 -m venv "$folder/venv" >/dev/null 2>&1; then
    if command -v apt-get >/dev/null; then
        as_root apt-get update -qq
        as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends python3-venv >/dev/null
    fi
    python3 -m venv --clear "$folder/venv"
fi
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check 'openapi-spec-validator>=0.9,<0.10'
"${CARGO_TARGET_DIR:-target}/debug/rally" openapi >"$folder/openapi.json"
"$folder/venv/bin/openapi-spec-validator" "$folder/openapi.json"
