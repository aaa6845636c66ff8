#!/usr/bin/env bash
# Takes pictures of the pages and the widget in every state that the browser suite opens. The argument names the folder for them.
set -euo pipefail
cd "$(dirname "$0")/.."
folder=$(mkdir -p "${1:-screenshots}" && cd "${1:-screenshots}" && pwd)
RALLY_SCREENSHOTS=$folder ./scripts/test.sh --test suite browser::
echo "$(find "$folder" -name '*.png' | wc -l) pictures in $folder"
