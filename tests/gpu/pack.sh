#!/usr/bin/env bash
# Packs what run.sh needs on a machine with a GPU and no Rust into a folder of less than 64 MiB.
set -euo pipefail

usage() {
    cat <<'HELP'
usage: pack.sh [DIR]

Builds the tests and benchmarks of kernels, networks and pipelines, strips them and puts them, compressed, into DIR (default:
gpu-tests in the target folder) with the scripts, the golden values and PERF.md. There: tests/gpu/run.sh.
HELP
}

case "${1:-}" in -h | --help) usage; exit 0 ;; esac
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
target=${CARGO_TARGET_DIR:-target}
out=${1:-$target/gpu-tests}
most_mib=64

for tool in strip python3; do
    command -v "$tool" >/dev/null || { echo "pack.sh: $tool is missing: install it" >&2; exit 2; }
done

# The executable that cargo made of a target: build_of TARGET CARGO-ARGUMENT…
build_of() {
    local name=$1
    shift
    cargo test --release --no-run --message-format=json-render-diagnostics "$@" | python3 -c '
import json, sys
for line in sys.stdin:
    message = json.loads(line)
    if message.get("executable") and message["target"]["name"] == sys.argv[1]:
        print(message["executable"])
' "$name" | tail -n 1
}

put() {
    local built=$1 name=$2
    [ -n "$built" ] || { echo "pack.sh: cargo made no $name (see above)" >&2; exit 1; }
    strip -o "$scratch/$name" "$built"
}

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
rm -rf "$out"
mkdir -p "$out/tests/golden" "$out/tests/gpu" "$out/kernels"
put "$(build_of easel_kernels -p easel-kernels --lib)" kernels
put "$(build_of cuda -p easel-kernels --bench cuda)" bench
put "$(build_of steps -p easel-tests --bench steps)" steps
put "$(build_of components -p easel-tests --test components)" components
put "$(build_of cuda -p easel-tests --test cuda)" pipelines
put "$(build_of embedded -p easel-tests --test embedded)" embedded
put "$(build_of upscale -p easel-tests --test upscale)" upscale
# The embedded models are in several of them: one archive, with a window that is larger than they, keeps them once.
python3 -c '
import pathlib, sys, tarfile
with tarfile.open(sys.argv[2], "w:xz", preset=9) as archive:
    for path in sorted(pathlib.Path(sys.argv[1]).iterdir()):
        archive.add(path, path.name)
' "$scratch" "$out/bin.tar.xz"
cp -r tests/golden/A tests/golden/emoji tests/golden/upscale "$out/tests/golden/"
cp -r tests/karlo-config "$out/tests/"
cp tests/gpu/*.py tests/gpu/*.json tests/gpu/run.sh "$out/tests/gpu/"
cp kernels/PERF.md "$out/kernels/"
git rev-parse HEAD >"$out/commit.txt"

mib=$(du -sm "$out" | cut -f 1)
echo "pack.sh: $out, $mib MiB"
du -sm "$out"/bin.tar.xz "$out"/tests/*
[ "$mib" -lt "$most_mib" ] || { echo "pack.sh: that is not less than $most_mib MiB" >&2; exit 1; }
