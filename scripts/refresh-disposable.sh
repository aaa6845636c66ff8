#!/usr/bin/env bash
# Writes crates/domain/data/disposable_domains.txt again, from the newest release of the package disposable-email-domains on PyPI.
# Needs Python 3 with pip. Relay services, which forward mail to a real mailbox, are left out.
set -euo pipefail
cd "$(dirname "$0")/.."
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m pip download --quiet --no-deps --dest "$folder" disposable-email-domains
python3 - "$folder" crates/domain/data <<'PYTHON'
import ast
import datetime
import pathlib
import sys
import zipfile

folder, target = map(pathlib.Path, sys.argv[1:])
wheel = next(folder.glob("*.whl"))
version = wheel.name.split("-")[1]
with zipfile.ZipFile(wheel) as package:
    source = package.read("disposable_email_domains/__init__.py").decode()
    licence = next(name for name in package.namelist() if name.endswith("LICENSE.txt"))
    licence = package.read(licence).decode()
relays = {
    "33mail.com", "8alias.com", "8shield.net", "addy.io", "aleeas.com", "anonaddy.com", "anonaddy.me", "dralias.com", "duck.com",
    "erine.email", "mozmail.com", "passinbox.com", "passmail.com", "passmail.net", "privaterelay.appleid.com", "silomails.com",
    "simplelogin.co", "simplelogin.com", "simplelogin.fr", "slmail.me",
}
domains = set()
for node in ast.parse(source).body:
    name = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
    if getattr(name, "id", "") == "blocklist":
        value = node.value.args[0] if isinstance(node.value, ast.Call) else node.value
        domains = {domain.strip().lower() for domain in ast.literal_eval(value)}
domains -= relays
assert len(domains) > 5000, len(domains)
head = (
    f"# Throw-away domains. Source: disposable-email-domains {version} (https://pypi.org/project/disposable-email-domains),\n"
    f"# taken on {datetime.date.today().isoformat()}. Licence: MIT, see disposable_domains.LICENSE. scripts/refresh-disposable.sh writes this file.\n"
)
target.mkdir(exist_ok=True)
(target / "disposable_domains.txt").write_text(head + "\n".join(sorted(domains)) + "\n")
(target / "disposable_domains.LICENSE").write_text(licence)
print(f"{len(domains)} domains of {version}")
PYTHON
