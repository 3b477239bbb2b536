#!/usr/bin/env bash
# Builds the plugins that ship from their sources. With `--check`: says whether what ships is what they give.
#
# One compiler gives the same bytes wherever it runs; another version may give others. Those that ship are of rustc 1.95.0.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")"
plugins=(pictures embeddings)
target=wasm32-unknown-unknown

rustup target list --installed | grep -qx "$target" || rustup target add "$target"
built=${CARGO_TARGET_DIR:-$PWD/source/target}
# What stands in messages about panics must not depend on whose folders these are.
export RUSTFLAGS="--remap-path-prefix=$PWD/source=. --remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}=cargo"
for plugin in "${plugins[@]}"; do
    (cd source && cargo build --quiet --release --locked --target "$target" -p "$plugin")
    made=$built/$target/release/$plugin.wasm
    if [ "${1:-}" = --check ]; then
        cmp "$made" "$plugin.wasm"
    else
        # Renamed into its place, so that whoever watches it never sees half of it.
        cp "$made" "$plugin.wasm.tmp"
        mv "$plugin.wasm.tmp" "$plugin.wasm"
    fi
done
