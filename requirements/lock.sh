#!/usr/bin/env bash
# Re-locks every set, with hashes and without index URLs. One resolution (test, the largest set)
# constrains the others, so that a machine may install them one after another into one environment.
set -euo pipefail
cd "$(dirname "$0")/.."
lock() {
    local name=$1
    shift
    uv pip compile pyproject.toml --python-version 3.11 --universal --generate-hashes --no-emit-index-url \
        --custom-compile-command "make lock" "$@" -o "requirements/$name.txt" --quiet
}
lock test --extra test
lock demo --extra demo -c requirements/test.txt
lock agent --extra agent --extra cpu -c requirements/test.txt
lock train --extra train --extra cpu -c requirements/test.txt
lock deep --extra deep --extra train --extra cpu -c requirements/test.txt
uv pip compile requirements/oracles.in --no-deps --python-version 3.11 --generate-hashes --no-emit-index-url \
    --custom-compile-command "make lock" -o requirements/oracles.txt --quiet
uv pip compile requirements/fast.in --no-deps --python-version 3.11 --generate-hashes --no-emit-index-url \
    --custom-compile-command "make lock" -o requirements/fast.txt --quiet
