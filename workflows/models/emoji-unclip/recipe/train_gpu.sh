#!/usr/bin/env bash
# All concepts at 32 x 32 with wider networks on one GPU, about 30 minutes on an H100. Untested.
# The result is about 22 MB in float16. Settings as in train.sh.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
work=${WORK:-work}
python=${PYTHON:-python3}
shape=(--decoder-size 32 --decoder-channels 64,96,128 --super-res-channels 24,48,64 --all-concepts)
common=(--work "$work" --threads "${THREADS:-8}" "${shape[@]}")
gpu=("${common[@]}" --device cuda)

[ -d "$work/npm/emojibase-data-17.0.0" ] || ./fetch.sh "$work/npm"
[ -f "$work/train.npz" ] || "$python" data.py --work "$work" --npm "$work/npm"
"$python" train_clip.py "${gpu[@]}" --batch 1024 180
"$python" embed.py "${common[@]}"
"$python" train_decoder.py "${gpu[@]}" --batch 192 --batch-late 256 --rate 1e-3 --average 0.9995 --hold 0.5 960
"$python" train_prior.py "${gpu[@]}" --batch 1024 150
"$python" train_super_res.py "${gpu[@]}" --batch 64 240
"$python" fit_variance.py "${common[@]}" 60
"$python" export.py "${common[@]}"
