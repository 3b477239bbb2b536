#!/usr/bin/env bash
# All stages from the icons to the model folder, in order, on 2 CPU cores that do nothing else: 71 minutes of training.
# Everything goes to WORK (default: work beside this script). PYTHON chooses the interpreter.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
work=${WORK:-work}
python=${PYTHON:-python3}
common=(--work "$work" --threads "${THREADS:-2}")

[ -d "$work/npm/emojibase-data-17.0.0" ] || ./fetch.sh "$work/npm"
"$python" data.py --work "$work" --npm "$work/npm"
"$python" train_clip.py "${common[@]}" 450
"$python" embed.py "${common[@]}"
"$python" train_decoder.py "${common[@]}" 2850
"$python" train_prior.py "${common[@]}" 420
"$python" train_super_res.py "${common[@]}" 480
"$python" fit_variance.py "${common[@]}" 60
"$python" export.py "${common[@]}"
"$python" evaluate.py "${common[@]}"
"$python" model_card.py --work "$work"
"$python" golden.py --model "$work/emoji-unclip" --out "$work/golden_emoji.safetensors"
