//! Pictures to files: whole or not at all, and never over another one unless told.

use std::ffi::OsStr;
use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use tempfile::{NamedTempFile, TempPath};

use super::once::NumberedFiles;
use super::recipe::Recipe;
use crate::Error;
use crate::error::Result;
use crate::whole_file::{folder_of, io_error, temporary_in};

/// What to do about a file that is there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overwrite {
    /// Replace it.
    Yes,
    /// Leave it: the new file gets the next free number, `picture_0001.png` for `picture.png`.
    Never,
    /// Leave it, and fail.
    Refuse,
}

/// Writes an 8-bit RGB picture and its recipe as PNG, and says under what name. The file appears whole or not at all;
/// its folder is created.
///
/// # Errors
/// Folders that cannot be written, a full disk, or a file in the way. Nothing is left behind.
pub fn save_png(
    path: &Path,
    pixels: &[u8],
    width: u32,
    height: u32,
    recipe: &Recipe,
    overwrite: Overwrite,
) -> Result<PathBuf> {
    if overwrite == Overwrite::Refuse && path.symlink_metadata().is_ok_and(|there| !there.is_dir()) {
        return Err(in_the_way(path));
    }
    let png = EncodedPng::new(path, pixels, width, height, recipe)?;
    let saved = place(png, path, overwrite)?;
    sync_folder(folder_of(path));
    Ok(saved)
}

/// A picture on the disk, whole, that has no name yet.
pub(crate) struct EncodedPng {
    /// Beside the place where it will stay; removed if it never gets there.
    pub(super) file: NamedTempFile,
    /// The content's BLAKE3.
    pub(super) hash: [u8; 32],
}

impl EncodedPng {
    /// Encodes an 8-bit RGB picture beside `path`, whose folder is created.
    pub(crate) fn new(path: &Path, pixels: &[u8], width: u32, height: u32, recipe: &Recipe) -> Result<Self> {
        let wanted = u64::from(width) * u64::from(height) * 3;
        if wanted == 0 || pixels.len() as u64 != wanted {
            return Err(Error::invalid(format!(
                "a picture of {width} × {height} takes {wanted} bytes (and more than none), got {}",
                pixels.len()
            )));
        }
        if path.file_name().is_none() || path.is_dir() {
            return Err(Error::invalid(format!("{}: a folder, not a file's name", path.display()))
                .with_hint("name a file in that folder, such as picture.png"));
        }
        let folder = folder_of(path);
        std::fs::create_dir_all(folder).map_err(|source| io_error("cannot create", folder, source))?;
        let cannot_write = |source| io_error("cannot write", path, source);
        let mut file = temporary_in(folder).map_err(cannot_write)?;
        let mut hashed = Hashed { file: BufWriter::new(file.as_file_mut()), hasher: blake3::Hasher::new() };
        encode(&mut hashed, pixels, width, height, recipe).map_err(|error| match error {
            png::EncodingError::IoError(source) => cannot_write(source),
            other => Error::invalid(format!("{}: the picture cannot be encoded: {other}", path.display())),
        })?;
        let hash = *hashed.hasher.finalize().as_bytes();
        drop(hashed);
        file.as_file().sync_all().map_err(cannot_write)?;
        Ok(EncodedPng { file, hash })
    }
}

/// Writes to a file and hashes what it writes.
struct Hashed<'a> {
    file: BufWriter<&'a mut File>,
    hasher: blake3::Hasher,
}

impl Write for Hashed<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.hasher.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

fn encode(
    out: &mut Hashed<'_>,
    pixels: &[u8],
    width: u32,
    height: u32,
    recipe: &Recipe,
) -> Result<(), png::EncodingError> {
    let mut encoder = png::Encoder::new(&mut *out, width, height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_source_srgb(png::SrgbRenderingIntent::Perceptual);
    let mut writer = encoder.write_header()?;
    recipe.write(&mut writer)?;
    writer.write_image_data(pixels)?;
    writer.finish()?;
    out.flush()?;
    Ok(())
}

fn place(png: EncodedPng, path: &Path, overwrite: Overwrite) -> Result<PathBuf> {
    match overwrite {
        Overwrite::Yes => {
            png.file.into_temp_path().persist(path).map_err(|error| io_error("cannot write", path, error.error))?;
            Ok(path.to_owned())
        }
        Overwrite::Refuse => match persist_new(png.file.into_temp_path(), path) {
            Ok(()) => Ok(path.to_owned()),
            Err((error, _)) if error.kind() == io::ErrorKind::AlreadyExists => Err(in_the_way(path)),
            Err((error, _)) => Err(io_error("cannot write", path, error)),
        },
        Overwrite::Never => NumberedFiles::new(path, None, &()).place(0, png, &mut ()),
    }
}

/// Gives the file its name only if nobody has it. Where the file system can do that in one step, it does; elsewhere
/// (FAT has neither hard links nor an exclusive rename) the name is first taken with an empty file.
pub(super) fn persist_new(file: TempPath, path: &Path) -> Result<(), (io::Error, TempPath)> {
    let error = match file.persist_noclobber(path) {
        Ok(()) => return Ok(()),
        Err(error) => error,
    };
    if error.error.kind() == io::ErrorKind::AlreadyExists {
        return Err((error.error, error.path));
    }
    if let Err(taken) = OpenOptions::new().write(true).create_new(true).open(path) {
        return Err((taken, error.path));
    }
    error.path.persist(path).map_err(|error| {
        // Best effort: the error that is reported is the one that matters.
        let _ = std::fs::remove_file(path);
        (error.error, error.path)
    })
}

/// `picture.png` and 7 → `picture_0007.png`.
pub(super) fn numbered_path(path: &Path, number: u32) -> PathBuf {
    let mut name = path.file_stem().unwrap_or_default().to_owned();
    name.push(format!("_{number:04}"));
    if let Some(extension) = path.extension() {
        name.push(".");
        name.push(extension);
    }
    path.with_file_name(name)
}

/// One more than the highest number in the folder, so that pictures stay in the order in which they were made.
pub(super) fn next_number(path: &Path, folder: &Path) -> Result<u32> {
    let cannot_read = |source| io_error("cannot read", folder, source);
    let mut highest = 0;
    for entry in std::fs::read_dir(folder).map_err(cannot_read)? {
        let name = entry.map_err(cannot_read)?.file_name();
        highest = highest.max(number_of(Path::new(&name), path).unwrap_or(0));
    }
    Ok(highest + 1)
}

fn number_of(name: &Path, path: &Path) -> Option<u32> {
    if name.extension() != path.extension() {
        return None;
    }
    let stem = path.file_stem().map(OsStr::to_string_lossy)?;
    let other = name.file_stem().map(OsStr::to_string_lossy)?;
    let digits = other.strip_prefix(stem.as_ref())?.strip_prefix('_')?;
    // Longer numbers are not ours (dates, hashes), and would leave no room to count on.
    let is_number = (4..=8).contains(&digits.len()) && digits.bytes().all(|digit| digit.is_ascii_digit());
    digits.parse().ok().filter(|_| is_number)
}

/// The name is on the disk only when the folder is. Not every file system allows this, and the picture is safe in
/// itself, so a failure is none.
pub(super) fn sync_folder(folder: &Path) {
    if cfg!(unix)
        && let Ok(folder) = File::open(folder)
    {
        let _ = folder.sync_all();
    }
}

fn in_the_way(path: &Path) -> Error {
    Error::invalid(format!("{}: there is a file of that name already", path.display()))
        .with_hint("choose another name, or say that it may be overwritten")
}
