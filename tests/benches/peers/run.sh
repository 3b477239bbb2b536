#!/bin/sh
# Runs the graphs of the engine's benchmark in other engines too, and prints how many times as long they take.
#
#     tests/benches/peers/run.sh [--runs N]
#
# Needs cargo, python3 and, for the first time, the network: the other engines (sf-hamilton and dask) come from PyPI into a
# virtual environment that is thrown away at the end. Nothing else is left behind but cargo's build output.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
environment=$(mktemp -d)
trap 'rm -rf "$environment"' EXIT INT TERM

python3 -m venv "$environment"
"$environment/bin/pip" --quiet --disable-pip-version-check install 'sf-hamilton==1.90.0' 'dask==2026.8.0'

# Built first, so that no compiler runs beside what is timed. EASEL_ENGINE_BENCH names one that is built already.
if [ -z "${EASEL_ENGINE_BENCH:-}" ]; then
    cargo bench --quiet --manifest-path "$here/../../../Cargo.toml" -p easel-tests --bench engine --no-run
fi
"$environment/bin/python" "$here/peers.py" "$@"
