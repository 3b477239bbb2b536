//! What the program carries with it: compiled kernels, and the headers to compile others with.
//!
//! `cuda/build.py` makes the fatbins and says in `cuda/manifest.json` what is in them; `build.rs` lists the files.

/// Bytes that stand where the driver may read them word by word.
#[repr(C, align(16))]
struct Aligned<Bytes: ?Sized>(Bytes);

// `FATBINS`: the fatbins by the name of their `.cu`; `HEADERS`: the headers by the name that kernels include them by.
include!(concat!(env!("OUT_DIR"), "/fatbins.rs"));

/// The compiled kernels of `module`, a `.cu` file's name, for all architectures that they were compiled for.
pub(super) fn embedded(module: &str) -> Option<&'static [u8]> {
    FATBINS.iter().find(|(name, _)| *name == module).map(|(_, fatbin)| &fatbin.0)
}

/// The names of all modules.
pub(super) fn modules() -> impl Iterator<Item = &'static str> {
    FATBINS.iter().map(|(name, _)| *name)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::Path;

    use super::*;

    fn described() -> serde_json::Map<String, serde_json::Value> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("cuda/manifest.json");
        let text = fs::read_to_string(path).expect("build.py wrote it");
        let mut manifest: serde_json::Value = serde_json::from_str(&text).expect("it is JSON");
        match manifest["modules"].take() {
            serde_json::Value::Object(modules) => modules,
            other => panic!("modules are an object, not {other}"),
        }
    }

    #[test]
    fn the_program_carries_the_fatbins_that_the_manifest_describes() {
        let described = described();
        let names: BTreeSet<&str> = described.keys().map(String::as_str).collect();
        assert_eq!(names, modules().collect(), "run `python3 kernels/cuda/build.py`");
        for (name, module) in &described {
            let fatbin = embedded(name).expect("it was just listed");
            assert_eq!(module["fatbin_bytes"], fatbin.len(), "{name}: run `python3 kernels/cuda/build.py`");
            // The magic number of fatbins.
            assert_eq!(fatbin[..4], [0x50, 0xed, 0x55, 0xba], "{name}");
            assert_eq!(fatbin.as_ptr() as usize % 16, 0, "{name}");
        }
        assert_eq!(embedded("no such module"), None);
    }

    #[test]
    fn the_program_carries_every_header_that_kernels_were_made_of() {
        let carried: BTreeSet<&str> = HEADERS.iter().map(|(name, _)| *name).collect();
        assert!(carried.contains("easel/device.cuh"));
        assert!(!carried.iter().any(|name| name.contains("emulation")), "they are for a C++ compiler");
        for (module, facts) in &described() {
            for path in facts["headers"].as_object().expect("headers are an object").keys() {
                assert!(
                    carried.contains(path.strip_prefix("include/").expect("they are in include/")),
                    "{module}: {path}"
                );
            }
        }
    }
}
