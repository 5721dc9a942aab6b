#!/bin/sh
# What `npm start` runs: brings dependencies, addon and bundle up to date, then becomes the service.
set -eu
root=$(CDPATH= cd -- "$(dirname -- "$0")/.." && pwd -P)
node=${npm_node_execpath:-node}
command -v "$node" >/dev/null 2>&1 || node=node
"$node" "$root/scripts/setup.mjs"
exec "$root/bin/thimble" "$@"
