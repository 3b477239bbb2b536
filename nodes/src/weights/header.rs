//! The header of a safetensors file, read as if an adversary had written it.
//!
//! Layout: eight bytes (little-endian length of the header), the header (a JSON object of tensor name → dtype, shape,
//! byte range), then the bytes of all tensors, without holes.

use std::collections::HashSet;
use std::fmt;
use std::ops::Range;

use easel_kernels::DType;
use serde::Deserialize;
use serde::de::{Deserializer, Error as _, IgnoredAny, MapAccess, Visitor};

use super::names::quoted;
use crate::error::{Error, Result};

/// The format's own limit. A length beyond it is not a header but some other file.
const LONGEST_HEADER: u64 = 100_000_000;

/// What to do about a file that breaks the format.
pub(super) const FETCH_AGAIN: &str = "the download may be incomplete; fetch it again";

/// A tensor as a checkpoint lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TensorInfo {
    /// Its name, for example `conv_in.weight`.
    pub name: String,
    /// Its shape as stored.
    pub shape: Vec<usize>,
    /// The stored element type's name in the file: `F32`, `F16`, `BF16`, or one that Easel does not compute with.
    pub dtype: String,
    /// Where its bytes are in the file.
    pub(super) range: Range<usize>,
}

impl TensorInfo {
    /// The element type, if it is one that weights can have.
    pub fn weight_dtype(&self) -> Option<DType> {
        match self.dtype.as_str() {
            "F32" => Some(DType::F32),
            "F16" => Some(DType::F16),
            "BF16" => Some(DType::BF16),
            _ => None,
        }
    }

    /// How many bytes the file holds of it.
    pub fn byte_len(&self) -> usize {
        self.range.len()
    }

    /// How many numbers it has.
    pub fn element_count(&self) -> usize {
        // The product was checked when the header was read.
        self.shape.iter().product()
    }
}

/// Reads and checks the header of a whole safetensors file. `file` names it in errors.
///
/// The result's ranges lie inside `bytes`, do not overlap, cover all of the data, and have the lengths that shapes and
/// element types take.
pub(super) fn parse(bytes: &[u8], file: &str) -> Result<Vec<TensorInfo>> {
    let header_end = header_end(bytes, file)?;
    let Entries(entries) = serde_json::from_slice(&bytes[8..header_end])
        .map_err(|error| broken(file, format!("its header cannot be read: {error}")))?;
    let mut tensors = Vec::with_capacity(entries.len());
    let mut seen = HashSet::with_capacity(entries.len());
    for (name, entry) in &entries {
        if !seen.insert(name.as_str()) {
            return Err(broken(file, format!("tensor {} is listed twice", quoted(name))));
        }
        tensors.push(check_entry(name, entry, header_end, bytes.len(), file)?);
    }
    check_coverage(&tensors, header_end, bytes.len(), file)?;
    Ok(tensors)
}

/// A file that is not what its format asks for.
fn broken(file: &str, problem: String) -> Error {
    Error::invalid(format!("{file}: {problem}")).with_hint(FETCH_AGAIN)
}

/// Where the header ends and the data begins.
fn header_end(bytes: &[u8], file: &str) -> Result<usize> {
    if bytes.is_empty() {
        return Err(broken(file, "the file is empty".into()));
    }
    if let Some(error) = recognise_other_formats(bytes, file) {
        return Err(error);
    }
    let Some((prefix, rest)) = bytes.split_first_chunk::<8>() else {
        return Err(broken(file, format!("{} bytes are too few for a safetensors file", bytes.len())));
    };
    let length = u64::from_le_bytes(*prefix);
    if length < 2 {
        return Err(broken(file, format!("it claims a header of {length} bytes, too few for one")));
    }
    if length > LONGEST_HEADER {
        return Err(broken(file, format!("it claims a header of {length} bytes; this is not a safetensors file")));
    }
    if length > rest.len() as u64 {
        return Err(broken(
            file,
            format!("it ends inside its header: {length} bytes are claimed, {} are there", rest.len()),
        ));
    }
    Ok(8 + length as usize)
}

/// Files that often stand where safetensors should, each with its own remedy.
fn recognise_other_formats(bytes: &[u8], file: &str) -> Option<Error> {
    let (what, hint) = if bytes.starts_with(b"version https://git-lfs") {
        ("this is a Git LFS pointer, not the weights", "run `git lfs pull` in the folder, or download the file itself")
    } else if bytes.starts_with(b"PK\x03\x04") {
        ("this is a PyTorch archive under a safetensors name", super::layout::CONVERT)
    } else if bytes.starts_with(b"<!DOCTYPE") || bytes.starts_with(b"<html") {
        ("this is a web page, not weights", "download the file itself, not the page that shows it")
    } else {
        return None;
    };
    Some(Error::invalid(format!("{file}: {what}")).with_hint(hint))
}

/// One tensor: shape × element size = length of its range, inside the file.
fn check_entry(name: &str, entry: &Entry, data_start: usize, file_len: usize, file: &str) -> Result<TensorInfo> {
    let problem = |text: String| broken(file, format!("tensor {}: {text}", quoted(name)));
    let (begin, end) = entry.data_offsets;
    let data_len = (file_len - data_start) as u64;
    if begin > end || end > data_len {
        return Err(problem(format!("bytes {begin}..{end} are outside the file's {data_len} bytes of data")));
    }
    let mut shape = Vec::with_capacity(entry.shape.len());
    for &dim in &entry.shape {
        shape.push(usize::try_from(dim).map_err(|_| problem(format!("the shape {:?} is too large", entry.shape)))?);
    }
    let elements = shape.iter().try_fold(1usize, |count, &dim| count.checked_mul(dim));
    let elements = elements.ok_or_else(|| problem(format!("the shape {shape:?} is too large")))?;
    // An element type that nobody knows may still stand in the file, as long as no model asks for it.
    if let Some(bits) = element_bits(&entry.dtype) {
        let wanted = (elements as u64).checked_mul(bits).map(|bits| bits.div_ceil(8));
        if wanted != Some(end - begin) {
            return Err(problem(format!(
                "shape {shape:?} of {} does not fit its {} bytes",
                quoted(&entry.dtype),
                end - begin
            )));
        }
    }
    let range = data_start + begin as usize..data_start + end as usize;
    Ok(TensorInfo { name: name.to_owned(), shape, dtype: entry.dtype.clone(), range })
}

/// All tensors side by side fill the data: nothing shared, nothing left over, nothing missing.
fn check_coverage(tensors: &[TensorInfo], data_start: usize, file_len: usize, file: &str) -> Result<()> {
    let mut by_place: Vec<&TensorInfo> = tensors.iter().collect();
    by_place.sort_by_key(|tensor| (tensor.range.start, tensor.range.end));
    let mut end = data_start;
    for tensor in by_place {
        if tensor.range.start < end {
            return Err(broken(file, format!("tensor {} overlaps another", quoted(&tensor.name))));
        }
        if tensor.range.start > end {
            return Err(broken(
                file,
                format!("{} bytes before tensor {} belong to none", tensor.range.start - end, quoted(&tensor.name)),
            ));
        }
        end = tensor.range.end;
    }
    if end != file_len {
        return Err(broken(file, format!("its tensors take {end} bytes, the file has {file_len}")));
    }
    Ok(())
}

/// Bits per element of the format's element types.
fn element_bits(dtype: &str) -> Option<u64> {
    Some(match dtype {
        "F4" => 4,
        "F6_E2M3" | "F6_E3M2" => 6,
        "BOOL" | "U8" | "I8" | "F8_E5M2" | "F8_E4M3" | "F8_E8M0" | "F8_E4M3FNUZ" | "F8_E5M2FNUZ" => 8,
        "I16" | "U16" | "F16" | "BF16" => 16,
        "I32" | "U32" | "F32" => 32,
        "I64" | "U64" | "F64" | "C64" => 64,
        _ => return None,
    })
}

/// A tensor as the JSON has it.
#[derive(Deserialize)]
struct Entry {
    dtype: String,
    shape: Vec<u64>,
    data_offsets: (u64, u64),
}

/// The header's object as a list: a map would hide a name that stands twice.
struct Entries(Vec<(String, Entry)>);

impl<'de> Deserialize<'de> for Entries {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct EntriesVisitor;
        impl<'de> Visitor<'de> for EntriesVisitor {
            type Value = Entries;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of tensors")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entries, A::Error> {
                let mut entries = Vec::new();
                while let Some(name) = map.next_key::<String>()? {
                    if name == "__metadata__" {
                        map.next_value::<IgnoredAny>()?;
                        continue;
                    }
                    let entry = map
                        .next_value::<Entry>()
                        .map_err(|error| A::Error::custom(format!("tensor {}: {error}", quoted(&name))))?;
                    entries.push((name, entry));
                }
                Ok(Entries(entries))
            }
        }
        deserializer.deserialize_map(EntriesVisitor)
    }
}
