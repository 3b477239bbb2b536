#!/usr/bin/env bash
# Tests Easel's CUDA kernels on a GPU and times them against PyTorch; ends in one table, within ten minutes.
set -uo pipefail

usage() {
    cat <<'HELP'
usage: run.sh [--device cuda:N] [--dry]

Runs in a folder that pack.sh packed. Needs a driver of CUDA 13 (580) or newer and python3; for comparisons PyTorch, for the
sanitizers compute-sanitizer. No Rust, no compiler. What is not there is told in the table.

  --device cuda:N  the device [default: cuda:0]
  --dry            tries everything without a GPU, on sizes that mean nothing

Results go to results/; the table is results/section.md and is appended to kernels/PERF.md.
HELP
}

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
device=cuda:0
dry=
while [ $# -gt 0 ]; do
    case "$1" in
        --device) device=${2:?--device wants a value}; shift ;;
        --dry) dry=yes ;;
        -h | --help) usage; exit 0 ;;
        *) usage >&2; exit 2 ;;
    esac
    shift
done

python=${PYTHON:-python3}
command -v "$python" >/dev/null || { echo "run.sh: python3 is missing" >&2; exit 2; }
if [ -f "$root/bin.tar.xz" ]; then
    mkdir -p "$root/bin"
    "$python" -c 'import sys, tarfile; tarfile.open(sys.argv[1]).extractall(sys.argv[2])' "$root/bin.tar.xz" "$root/bin" || exit 2
fi
[ -x "$root/bin/kernels" ] || { echo "run.sh: $root/bin/kernels is missing: run pack.sh and this script in what it packed" >&2; exit 2; }
if [ -z "$dry" ] && ! nvidia-smi >/dev/null 2>&1; then
    echo "run.sh: nvidia-smi finds no GPU; --dry tries everything without one" >&2
    exit 2
fi

results=$root/results
rm -rf "$results"
mkdir -p "$results"
cd "$root" || exit 2

# Tests look for what belongs to them here, not where they were built.
export CARGO_MANIFEST_DIR=$root/tests
if [ -z "$dry" ]; then
    export EASEL_TEST_DEVICE=$device CUDA_VISIBLE_DEVICES=${CUDA_VISIBLE_DEVICES:-${device#cuda:}}
    # The one device that is visible is the first.
    EASEL_TEST_DEVICE=cuda:0
    ours=(--device cuda:0)
    theirs=()
else
    ours=(--device emulated --shrink 64)
    theirs=(--device cpu --shrink 64)
fi

began=$SECONDS
tell() { printf 'run.sh: %4d s: %s\n' $((SECONDS - began)) "$1" >&2; }
outcome() { printf '%s\t%s\t%s\n' "$1" "$2" "$3" >>"$results/outcomes.tsv"; }

# test_phase NAME SECONDS COMMAND…: runs tests and notes what came of them.
test_phase() {
    local name=$1 seconds=$2 status=0
    shift 2
    tell "$name"
    timeout -k 5 "$seconds" "$@" >"$results/$name.log" 2>&1 || status=$?
    "$python" "$here/libtest.py" "$name" "$status" <"$results/$name.log" >>"$results/outcomes.tsv"
}

# time_phase NAME SECONDS COMMAND…: appends a program's lines of JSON; a failure is noted, what was measured is kept.
time_phase() {
    local name=$1 seconds=$2 status=0
    shift 2
    tell "$name"
    timeout -k 5 "$seconds" "$@" >>"$results/$name.jsonl" 2>>"$results/$name.log" || status=$?
    case $status in
        0) ;;
        124 | 137) outcome "$name" "not finished" "stopped after $seconds s" ;;
        *) outcome "$name" failed "$(tail -n 1 "$results/$name.log" | tr '\t' ' ' | cut -c 1-200)" ;;
    esac
}

test_phase parity 90 bin/kernels ops::
test_phase components 60 bin/components
test_phase pipelines 60 bin/pipelines

sanitizer=$(command -v compute-sanitizer || ls /usr/local/cuda/bin/compute-sanitizer 2>/dev/null || true)
for tool in memcheck racecheck initcheck; do
    if [ -n "$dry" ]; then
        outcome "$tool" "not measured" "it needs a GPU"
    elif [ -z "$sanitizer" ]; then
        outcome "$tool" "not measured" "compute-sanitizer is not there"
    else
        test_phase "$tool" 50 "$sanitizer" --tool "$tool" --error-exitcode 86 bin/kernels ops:: --test-threads=1
    fi
done

has_torch=
"$python" -c 'import torch' 2>/dev/null && has_torch=yes
[ -n "$has_torch" ] || outcome "comparisons" "not measured" "PyTorch is not there"
# The two sides take turns, so that a device that grows warm or slow does so for both.
for dtype in bf16 f16; do
    time_phase ops 50 bin/bench "${ours[@]}" --cases "$here/cases.json" --dtype "$dtype"
    [ -z "$has_torch" ] || time_phase peers 50 "$python" "$here/peers.py" "${theirs[@]}" --dtype "$dtype"
done
time_phase steps 75 bin/steps "${ours[@]}"
if [ -n "$has_torch" ]; then
    compile=(--mode max-autotune)
    [ -z "$dry" ] || compile=(--mode eager)
    for part in decoder super_res_last; do
        time_phase unets 75 "$python" "$here/unets.py" "${theirs[@]}" "${compile[@]}" "$part"
    done
fi

tell "the table"
told=(--dry)
[ -n "$dry" ] || told=(--append kernels/PERF.md)
"$python" "$here/results.py" "$results" "${told[@]}"
tell "done"
# Whether anything failed is in the table; whoever runs this from a script wants it here too.
! cut -f 2 "$results/outcomes.tsv" | grep -qx failed
