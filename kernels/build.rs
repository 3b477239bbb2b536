//! Lists the compiled kernels and their headers for `src/cuda/fatbins.rs`: what is in the folders is in the program.
//!
//! Nothing is compiled here. `cuda/build.py` makes the fatbins, which are kept with the sources.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

fn main() -> io::Result<()> {
    let cuda = Path::new(&std::env::var("CARGO_MANIFEST_DIR").map_err(io::Error::other)?).join("cuda");
    let (fatbins, include) = (cuda.join("fatbins"), cuda.join("include"));
    for folder in [&fatbins, &include] {
        println!("cargo::rerun-if-changed={}", folder.display());
    }
    let mut code = String::from("static FATBINS: &[(&str, &Aligned<[u8]>)] = &[\n");
    for path in files(&fatbins)?.iter().filter(|path| path.extension().is_some_and(|extension| extension == "fatbin")) {
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        writeln!(code, "    ({name:?}, &Aligned(*include_bytes!({path:?}))),").map_err(io::Error::other)?;
    }
    code.push_str("];\n\npub(super) static HEADERS: &[(&str, &str)] = &[\n");
    // The emulation's half is for a C++ compiler.
    let emulation = include.join("easel/emulation");
    for path in files(&include)?.iter().filter(|path| !path.starts_with(&emulation)) {
        let name = path.strip_prefix(&include).map_err(io::Error::other)?.to_string_lossy().replace('\\', "/");
        writeln!(code, "    ({name:?}, include_str!({path:?})),").map_err(io::Error::other)?;
    }
    code.push_str("];\n");
    let out = PathBuf::from(std::env::var("OUT_DIR").map_err(io::Error::other)?);
    fs::write(out.join("fatbins.rs"), code)
}

/// All files below a folder, in order; none if it is not there.
fn files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut waiting = vec![folder.to_path_buf()];
    while let Some(folder) = waiting.pop() {
        if !folder.is_dir() {
            continue;
        }
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() { waiting.push(path) } else { found.push(path) }
        }
    }
    found.sort_unstable();
    Ok(found)
}
