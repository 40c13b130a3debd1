#!/usr/bin/env bash
# Strips the types off the page's TypeScript: `build.sh built` makes what is committed and shipped. Needs deno, no network.
set -euo pipefail
out=$(realpath -m "${1:?a folder to make}")
cd "$(dirname "$0")"
deno check --quiet *.ts
deno lint --quiet
rm -rf "$out"
deno transpile --quiet --outdir "$out" *.ts
sed -i -E 's,^((import|\}) .*from "\./[a-z]+)\.ts";,\1.js";,' "$out"/*.js
