#!/usr/bin/env bash
# Fetches the four npm packages of ../LICENSES.md, checks them and unpacks each into FOLDER/NAME/package.
# usage: ./fetch.sh [FOLDER]   (default: work/npm beside this script)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
folder=${1:-work/npm}
mkdir -p "$folder"
cd "$folder"

npm pack --silent \
    @iconify-json/fluent-emoji-flat@1.2.6 \
    @lobehub/fluent-emoji-3d@1.1.0 \
    @iconify-json/noto@1.2.9 \
    emojibase-data@17.0.0

sha256sum --check --quiet <<'SUMS'
7d064769dee690815f823bc5bcc511d957198caf9f5edd8dd9c1aa48a6aeb175  iconify-json-fluent-emoji-flat-1.2.6.tgz
c1bb7eee7de090205a232518a9ab4adb3df458bfbe8a1f78232991194c8b2e58  lobehub-fluent-emoji-3d-1.1.0.tgz
3e918d88fc945c0bb3d468dbace6f88caef67f01c9f0e7bcae0915a042e8f1ad  iconify-json-noto-1.2.9.tgz
d01d0e2ca4e22cb402679532155342c71e2e871f25c32223c013b8b166ebdf5a  emojibase-data-17.0.0.tgz
SUMS

for archive in *.tgz; do
    name=${archive%.tgz}
    mkdir -p "$name"
    tar -xzf "$archive" -C "$name"
done
