#!/usr/bin/env bash
# All stages from the icons to the model folder, in order, on a CPU: 66 minutes of training at the default budget.
# usage: train.sh [--from MODEL] [--minutes N]
#   --from MODEL   start from the weights in a model folder ("shipped": the ones beside this recipe)
#   --minutes N    of training in all (66)
# Everything goes to WORK (default: work beside this script). PYTHON chooses the interpreter, THREADS how many.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
work=${WORK:-work}
python=${PYTHON:-python3}
minutes=66
from=
while [ $# -gt 0 ]; do
    case $1 in
        --from) from=$2; shift 2 ;;
        --minutes) minutes=$2; shift 2 ;;
        *) sed -n '2,6s/^# //p' "$0"; exit 2 ;;
    esac
done
[ "$from" = shipped ] && from=..
common=(--work "$work" --threads "${THREADS:-2}")
share() { echo $((minutes * 60 * $1 / 100)); } # seconds: that many hundredths of the time
resume=() data=() clip=()
if [ -n "$from" ]; then
    resume=(--resume "$from")
    data=(--tokenizer "$from/tokenizer")
    [ -f "$from/recipe/concepts.json" ] && clip=(--known "$from/recipe/concepts.json" --rate 8e-4)
fi

if [ ! -f "$work/train.npz" ]; then
    if [ -f "$work/icons.npz" ]; then data+=(--reuse-icons); else ./fetch.sh "$work/npm"; fi
    "$python" data.py --work "$work" --npm "$work/npm" "${data[@]}"
fi
"$python" train_judge.py "${common[@]}" "$(share 9)"
"$python" train_clip.py "${common[@]}" "${resume[@]}" "${clip[@]}" "$(share 15)"
"$python" embed.py "${common[@]}"
"$python" train_decoder.py "${common[@]}" "${resume[@]}" "$(share 55)"
"$python" train_prior.py "${common[@]}" "${resume[@]}" "$(share 12)"
"$python" train_super_res.py "${common[@]}" "${resume[@]}" "$(share 7)"
"$python" fit_variance.py "${common[@]}" "$(share 2)"
"$python" export.py "${common[@]}"
"$python" evaluate.py "${common[@]}"
"$python" model_card.py --work "$work"
"$python" golden.py --model "$work/emoji-unclip" --out "$work/golden_emoji.safetensors"
"$python" sample.py --model "$work/emoji-unclip" --columns 8 "$work/emoji-unclip/contact_sheet.png" <prompts.txt
