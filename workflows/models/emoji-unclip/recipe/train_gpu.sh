#!/usr/bin/env bash
# Trains the shipped weights on with a GPU: the decoder at 32 x 32, then grown to 64 x 64. Not run on a GPU yet.
# usage: train_gpu.sh [--minutes N]   (20 minutes of training in all; evaluation and export come after that)
# Needs icons.npz in WORK (default: work beside this script), or a network for fetch.sh. What it makes may be fetched when
# the time is up: WORK/checkpoints, each file under 16 MB, and the model folder WORK/emoji-unclip.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
minutes=20
case "${1:-}" in
    "") ;;
    --minutes) minutes=$2 ;;
    *) sed -n '2,5s/^# //p' "$0"; exit 2 ;;
esac
work=${WORK:-work}
python=${PYTHON:-python3}
share() { echo $((minutes * 60 * $1 / 100)); } # seconds: that many hundredths of the time
small=(--decoder-size 32 --decoder-channels 48,64,128)
large=(--decoder-size 64 --decoder-channels 48,48,64,128)
common=(--work "$work" --threads "${THREADS:-8}")
gpu=("${common[@]}" --device cuda)
own=$work/checkpoints

if ! "$python" -c 'import diffusers' 2>/dev/null; then
    "$python" -m pip install --quiet --no-deps ../wheels/*.whl
fi
if [ ! -f "$work/train.npz" ]; then
    icons=()
    if [ -f "$work/icons.npz" ]; then icons=(--reuse-icons); else ./fetch.sh "$work/npm"; fi
    "$python" data.py --work "$work" --npm "$work/npm" --tokenizer ../tokenizer "${icons[@]}"
fi
"$python" train_judge.py "${gpu[@]}" --batch 512 "$(share 5)"
"$python" train_clip.py "${gpu[@]}" --resume .. --known concepts.json --rate 8e-4 --batch 1024 "$(share 12)"
"$python" embed.py "${common[@]}"
"$python" train_decoder.py "${gpu[@]}" "${small[@]}" --resume .. --batch 192 --batch-late 256 --average 0.9995 "$(share 25)"
"$python" grow.py "${common[@]}" "${small[@]}"
"$python" train_decoder.py "${gpu[@]}" "${large[@]}" --resume "$own/dec_grown.pt" --batch 128 --batch-late 192 \
    --average 0.9995 --hold 0.5 "$(share 35)"
"$python" train_prior.py "${gpu[@]}" --resume .. --batch 1024 "$(share 10)"
"$python" train_super_res.py "${gpu[@]}" "${large[@]}" --resume .. --batch 64 "$(share 11)"
"$python" fit_variance.py "${common[@]}" "${large[@]}" "$(share 2)"
"$python" export.py "${common[@]}" "${large[@]}"
"$python" evaluate.py "${common[@]}"
"$python" model_card.py --work "$work"
