//! Compiled code on disk. The cache is never needed: whatever goes wrong with it costs a compilation.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use super::hash_text;
use super::nvrtc::Program;

/// Changes with the format of entries and with what a key is made of.
const VERSION: &str = "easel cubin 1";

/// A folder of files, each named by the key of what is in it: a checksum, then the code.
#[derive(Debug)]
pub(super) struct Cubins {
    folder: Option<PathBuf>,
}

/// Everything that the code depends on.
pub(super) fn key(program: &Program<'_>, compiler: &str, driver_version: u32) -> String {
    let mut hasher = blake3::Hasher::new();
    hash_text(&mut hasher, VERSION);
    hash_text(&mut hasher, &program.name);
    hash_text(&mut hasher, program.source);
    for (name, text) in program.headers {
        hash_text(&mut hasher, name);
        hash_text(&mut hasher, text);
    }
    for option in program.options() {
        hash_text(&mut hasher, &option);
    }
    hash_text(&mut hasher, compiler);
    hasher.update(&driver_version.to_le_bytes());
    hasher.finalize().to_hex().to_string()
}

impl Cubins {
    pub(super) fn new(folder: Option<PathBuf>) -> Self {
        Cubins { folder }
    }

    /// The code of that key, if it is there and undamaged.
    pub(super) fn find(&self, key: &str) -> Option<Vec<u8>> {
        let entry = fs::read(self.place(key)?).ok()?;
        let (checksum, cubin) = entry.split_at_checked(blake3::OUT_LEN)?;
        (blake3::hash(cubin) == *<&[u8; blake3::OUT_LEN]>::try_from(checksum).ok()?).then(|| cubin.to_vec())
    }

    /// Keeps code, if there is room for it: written beside its place and renamed, so that nobody reads half of it.
    pub(super) fn keep(&self, key: &str, cubin: &[u8]) {
        if let Some(place) = self.place(key) {
            // A folder that cannot be written to is no reason to fail: the code is compiled again next time.
            let _ = write(&place, cubin);
        }
    }

    fn place(&self, key: &str) -> Option<PathBuf> {
        Some(self.folder.as_ref()?.join(format!("{key}.cubin")))
    }
}

fn write(place: &Path, cubin: &[u8]) -> std::io::Result<()> {
    let folder = place.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(blake3::hash(cubin).as_bytes())?;
    file.write_all(cubin)?;
    file.persist(place)?;
    Ok(())
}
