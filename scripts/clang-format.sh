#!/bin/sh
# Checks the formatting of native/ (no arguments) or mends it (--write).
set -eu
cd -- "$(dirname -- "$0")/.."
case ${1-} in
  '') set -- --dry-run -Werror ;;
  --write) set -- -i ;;
  *)
    echo "usage: clang-format.sh [--write]" >&2
    exit 2
    ;;
esac
find native \( -name '*.cc' -o -name '*.h' \) -exec clang-format "$@" {} +
