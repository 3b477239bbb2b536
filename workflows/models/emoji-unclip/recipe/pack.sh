#!/usr/bin/env bash
# Packs what train_gpu.sh needs on a machine without a network: the recipe, the icons, the shipped weights and a wheel of
# diffusers, 50 MB in all. There: tar -xf emoji-unclip.tar && emoji-unclip/recipe/train_gpu.sh --minutes 20
# usage: pack.sh [FILE]   (default: work/emoji-unclip.tar; needs work/icons.npz, which data.py makes)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
work=${WORK:-work}
out=${1:-$work/emoji-unclip.tar}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
folder=$scratch/emoji-unclip
mkdir -p "$folder/recipe/work" "$folder/wheels"
for part in ../*; do
    case $part in ../recipe | ../contact_sheet.png) ;; *) cp -r "$part" "$folder/" ;; esac
done
cp ./*.py ./*.sh ./*.txt concepts.json "$folder/recipe/"
cp "$work/icons.npz" "$work/concepts.json" "$folder/recipe/work/"
"${PYTHON:-python3}" -m pip download --quiet --no-deps --dest "$folder/wheels" "$(grep '^diffusers==' requirements.txt)"
tar -cf "$out" -C "$scratch" emoji-unclip
size=$(stat -c %s "$out")
echo "$out: $((size / 1000000)) MB"
[ "$size" -lt $((64 * 1024 * 1024)) ] || { echo "pack.sh: that is not less than 64 MiB" >&2; exit 1; }
