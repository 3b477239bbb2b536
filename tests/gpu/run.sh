#!/usr/bin/env bash
# Tests Easel's CUDA kernels on a GPU and times them against PyTorch; ends in one table. Every step has a time limit of its
# own, none stops the others, and what one found is in the table before the next begins.
set -uo pipefail

usage() {
    cat <<'HELP'
usage: run.sh [--device cuda:N] [--limit SECONDS] [--results DIR] [--dry] [STEP]...

Runs in a folder that pack.sh packed. Needs a driver of CUDA 13 (580) or newer and python3; for comparisons PyTorch, for the
sanitizers compute-sanitizer. No Rust, no compiler. What is not there is told in the table.

  STEP             one of those below; without any, all in this order
  --device cuda:N  the device [default: cuda:0]
  --limit SECONDS  what all steps take together at most: later ones are cut off or left out [default: 570]
  --results DIR    where results go [default: results]; those of steps that do not run stay
  --dry            tries everything without a GPU, on sizes that mean nothing, with ten times as much time for each step

Steps: parity, components, pipelines, embedded, upscale, memcheck, racecheck, initcheck, bench-bf16, bench-f16, steps, decoder, super_res_last.

The table is section.md among the results, written after every step; in the end it is shown and appended to kernels/PERF.md.
HELP
}

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
all_steps=(parity components pipelines embedded upscale memcheck racecheck initcheck bench-bf16 bench-f16 steps decoder super_res_last)
device=cuda:0
dry=
limit=
results=$root/results
steps=()
while [ $# -gt 0 ]; do
    case "$1" in
        --device) device=${2:?--device wants a value}; shift ;;
        --limit) limit=${2:?--limit wants a value}; shift ;;
        --results) results=${2:?--results wants a value}; shift ;;
        --dry) dry=yes ;;
        -h | --help) usage; exit 0 ;;
        *)
            [[ " ${all_steps[*]} " == *" $1 "* ]] || { usage >&2; exit 2; }
            steps+=("$1")
            ;;
    esac
    shift
done
[ ${#steps[@]} -gt 0 ] || steps=("${all_steps[@]}")
: "${limit:=$([ -n "$dry" ] && echo 7200 || echo 570)}"
[[ "$limit" =~ ^[0-9]+$ ]] || { echo "run.sh: --limit wants seconds, not $limit" >&2; exit 2; }

python=${PYTHON:-python3}
command -v "$python" >/dev/null || { echo "run.sh: python3 is missing" >&2; exit 2; }
if [ -f "$root/bin.tar.xz" ] && [ ! "$root/bin" -nt "$root/bin.tar.xz" ]; then
    mkdir -p "$root/bin"
    "$python" -c 'import sys, tarfile; tarfile.open(sys.argv[1]).extractall(sys.argv[2])' "$root/bin.tar.xz" "$root/bin" || exit 2
fi
[ -x "$root/bin/kernels" ] || { echo "run.sh: $root/bin/kernels is missing: run pack.sh and this script in what it packed" >&2; exit 2; }
if [ -z "$dry" ] && ! nvidia-smi >/dev/null 2>&1; then
    echo "run.sh: nvidia-smi finds no GPU; --dry tries everything without one" >&2
    exit 2
fi

mkdir -p "$results" && results=$(cd "$results" && pwd) && cd "$root" || exit 2

# Tests look for what belongs to them here, not where they were built.
export CARGO_MANIFEST_DIR=$root/tests
if [ -z "$dry" ]; then
    export EASEL_TEST_DEVICE=$device CUDA_VISIBLE_DEVICES=${CUDA_VISIBLE_DEVICES:-${device#cuda:}}
    # The one device that is visible is the first.
    EASEL_TEST_DEVICE=cuda:0
    ours=(--device cuda:0)
    theirs=()
    patience=1
else
    patience=10
    ours=(--device emulated --shrink 64)
    theirs=(--device cpu --shrink 64)
fi

began=$SECONDS
tell() { printf 'run.sh: %4d s: %s\n' $((SECONDS - began)) "$1" >&2; }
outcome() { printf '%s\t%s\t%s\n' "$1" "$2" "$3" >>"$results/$step.tsv"; }

# limited SECONDS COMMAND…: runs it for that long at most, and not beyond what all have; 124 or 137 if it was stopped.
limited() {
    local seconds=$(($1 * patience)) left=$((limit - (SECONDS - began)))
    shift
    [ "$left" -gt 0 ] || return 124
    timeout -k 5 $((seconds < left ? seconds : left)) "$@"
}

# tested SECONDS COMMAND…: runs tests and notes what came of them.
tested() {
    local status=0
    limited "$@" >"$results/$step.log" 2>&1 || status=$?
    "$python" "$here/libtest.py" "$step" "$status" <"$results/$step.log" >>"$results/$step.tsv"
}

# timed SECONDS COMMAND…: appends a program's lines of JSON; a failure is noted, what was measured is kept.
timed() {
    local seconds=$1 status=0
    limited "$@" >>"$results/$step.jsonl" 2>>"$results/$step.log" || status=$?
    case $status in
        0) ;;
        124 | 137) outcome "$step" "not finished" "stopped after $seconds s, or when no time was left" ;;
        *) outcome "$step" failed "$(tail -n 1 "$results/$step.log" | tr '\t' ' ' | cut -c 1-200)" ;;
    esac
}

# timed_by_pytorch SECONDS SCRIPT ARGUMENT…: the same for what Easel is compared with, where PyTorch is.
timed_by_pytorch() {
    local seconds=$1 script=$2
    shift 2
    if "$python" -c 'import torch' 2>/dev/null; then
        timed "$seconds" "$python" "$here/$script" "${theirs[@]}" "$@"
    else
        outcome "$step: comparison" "not measured" "PyTorch is not there"
    fi
}

sanitizer=$(command -v compute-sanitizer || ls /usr/local/cuda/bin/compute-sanitizer 2>/dev/null || true)
sanitized() {
    if [ -n "$dry" ]; then
        outcome "$step" "not measured" "it needs a GPU"
    elif [ -z "$sanitizer" ]; then
        outcome "$step" "not measured" "compute-sanitizer is not there"
    else
        tested 90 "$sanitizer" --tool "$step" --error-exitcode 86 bin/kernels ops:: --test-threads=1
    fi
}

# The table of all that there is so far.
write_table() {
    local told=(--dry)
    [ -n "$dry" ] || told=()
    "$python" "$here/results.py" "$results" "${told[@]}" "$@"
}

compile=(--mode max-autotune)
[ -z "$dry" ] || compile=(--mode eager)
for step in "${steps[@]}"; do
    rm -f "$results/$step".{tsv,log,jsonl}
    if [ $((SECONDS - began)) -ge "$limit" ]; then
        outcome "$step" "not measured" "no time was left"
        continue
    fi
    tell "$step"
    case $step in
        parity) tested 120 bin/kernels ops:: half_precision:: ;;
        components) tested 90 bin/components ;;
        pipelines) tested 90 bin/pipelines ;;
        embedded) tested 60 bin/embedded ;;
        upscale) tested 30 bin/upscale ;;
        memcheck | racecheck | initcheck) sanitized ;;
        bench-*)
            # One dtype after the other, so that a device that grows warm or slow does so for both sides.
            timed 60 bin/bench "${ours[@]}" --cases "$here/cases.json" --dtype "${step#bench-}"
            timed_by_pytorch 60 peers.py --dtype "${step#bench-}"
            ;;
        steps) timed 90 bin/steps "${ours[@]}" ;;
        decoder | super_res_last) timed_by_pytorch 120 unets.py "${compile[@]}" "$step" ;;
    esac
    write_table >/dev/null
done

tell "the table"
append=()
[ -n "$dry" ] || append=(--append kernels/PERF.md)
write_table "${append[@]}"
tell "done"
# Whether anything failed is in the table; whoever runs this from a script wants it here too.
! cut -f 2 "$results"/*.tsv 2>/dev/null | grep -qx failed
