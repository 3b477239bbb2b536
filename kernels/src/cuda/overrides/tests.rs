use std::cell::Cell;
use std::collections::BTreeSet;

use cudarc::nvrtc::sys;
use easel_cuda_emulation::Settings;

use super::*;
use crate::ops::add;
use crate::{Tensor, harness};

const HOPPER: Target = Target { compute_capability: (9, 0), driver_version: 13000 };
const AMPERE: Target = Target { compute_capability: (8, 0), driver_version: 13000 };

/// Stands for a compiler whose code is the program itself, and counts what it compiles.
#[derive(Default)]
struct Echo {
    compiled: Cell<usize>,
    version: &'static str,
}

impl Compiler for Echo {
    fn identity(&self) -> Result<String, OverrideError> {
        Ok(self.version.to_owned())
    }

    fn compile(&self, program: &Program<'_>) -> Result<Vec<u8>, nvrtc::Failure> {
        self.compiled.set(self.compiled.get() + 1);
        if program.source.contains("refuse") {
            return Err(nvrtc::Failure::Refuses(format!("{}(7): error: no\n  no;\n  ^\n", program.name)));
        }
        if program.source.contains("fail") {
            return Err(nvrtc::Failure::Fails("out of memory".to_owned()));
        }
        Ok(format!("{} for {}", program.source, program.architecture).into_bytes())
    }
}

/// A folder of kernels and one for what they are compiled to.
struct Folders {
    kernels: tempfile::TempDir,
    cache: tempfile::TempDir,
}

impl Folders {
    fn new() -> Self {
        let folder = || tempfile::tempdir().expect("a temporary folder can be made");
        let folders = Folders { kernels: folder(), cache: folder() };
        folders.put("gemm.cu", "gemm source");
        folders
    }

    fn put(&self, name: &str, text: &str) {
        let path = self.kernels.path().join(name);
        fs::create_dir_all(path.parent().expect("it is in the folder")).expect("it can be made");
        fs::write(path, text).expect("it can be written");
    }

    fn read(&self) -> Result<Overrides, OverrideError> {
        let known = ["conv2d".to_owned(), "gemm".to_owned()];
        Overrides::read_replacing(self.kernels.path(), Some(self.cache.path()), &known)
    }

    fn gemm(&self, target: Target, compiler: &Echo) -> String {
        let image = self.read().expect("the folder is sound").image_by("gemm", target, compiler);
        String::from_utf8(image.expect("it compiles").expect("it is replaced")).expect("it is text")
    }

    fn entries(&self) -> Vec<PathBuf> {
        sorted_files(&self.cache.path().join("kernels")).expect("the cache is there")
    }
}

#[test]
fn a_file_replaces_the_module_of_its_name_and_no_other() {
    let folders = Folders::new();
    let compiler = Echo::default();
    assert_eq!(folders.gemm(HOPPER, &compiler), "gemm source for sm_90a");
    assert_eq!(folders.gemm(AMPERE, &compiler), "gemm source for sm_80");
    let overrides = folders.read().expect("the folder is sound");
    assert_eq!(overrides.image_by("conv2d", HOPPER, &compiler), Ok(None));
}

#[test]
fn what_was_compiled_once_is_not_compiled_again_by_anyone() {
    let folders = Folders::new();
    let compiler = Echo::default();
    let first = folders.gemm(HOPPER, &compiler);
    assert_eq!(folders.gemm(HOPPER, &compiler), first);
    assert_eq!(compiler.compiled.get(), 1);
    assert_eq!(folders.entries().len(), 1, "and nothing is left of writing it");
}

#[test]
fn a_change_of_anything_that_the_code_depends_on_compiles_it_again() {
    let folders = Folders::new();
    let compiler = Echo::default();
    let compiled_after = |change: &dyn Fn(), compiler: &Echo, target: Target| {
        let before = compiler.compiled.get();
        change();
        folders.gemm(target, compiler);
        compiler.compiled.get() - before
    };
    assert_eq!(compiled_after(&|| (), &compiler, HOPPER), 1);
    assert_eq!(compiled_after(&|| (), &compiler, HOPPER), 0);
    assert_eq!(compiled_after(&|| folders.put("gemm.cu", "other source"), &compiler, HOPPER), 1);
    assert_eq!(compiled_after(&|| folders.put("include/easel/new.cuh", ""), &compiler, HOPPER), 1);
    assert_eq!(compiled_after(&|| folders.put("include/easel/new.cuh", "x"), &compiler, HOPPER), 1);
    assert_eq!(compiled_after(&|| folders.put("include/easel/device.cuh", "x"), &compiler, HOPPER), 1);
    assert_eq!(compiled_after(&|| folders.put("notes.txt", "x"), &compiler, HOPPER), 0, "not a part of it");
    assert_eq!(compiled_after(&|| (), &compiler, AMPERE), 1);
    assert_eq!(compiled_after(&|| (), &compiler, Target { driver_version: 13010, ..AMPERE }), 1);
    let newer = Echo { version: "newer", ..Echo::default() };
    assert_eq!(compiled_after(&|| (), &newer, AMPERE), 1);
}

#[test]
fn a_damaged_entry_is_compiled_again_and_mended() {
    let folders = Folders::new();
    let compiler = Echo::default();
    let sound = folders.gemm(HOPPER, &compiler);
    let entry = &folders.entries()[0];
    let whole = fs::read(entry).expect("it is there");
    let mut flipped = whole.clone();
    *flipped.last_mut().expect("it has bytes") ^= 1;
    for damaged in [&flipped[..], &whole[..whole.len() - 1], &whole[..10], &[]] {
        fs::write(entry, damaged).expect("it can be written");
        let before = compiler.compiled.get();
        assert_eq!(folders.gemm(HOPPER, &compiler), sound);
        assert_eq!(compiler.compiled.get(), before + 1);
        assert_eq!(fs::read(entry).expect("it is there"), whole);
    }
}

#[test]
fn a_cache_that_cannot_be_written_costs_time_only() {
    let folders = Folders::new();
    fs::write(folders.cache.path().join("kernels"), "a file, not a folder").expect("it can be written");
    let compiler = Echo::default();
    assert_eq!(folders.gemm(HOPPER, &compiler), folders.gemm(HOPPER, &compiler));
    assert_eq!(compiler.compiled.get(), 2);
    let without = Overrides::read_replacing(folders.kernels.path(), None, &["gemm".to_owned()]);
    assert!(without.expect("it is sound").image_by("gemm", HOPPER, &compiler).expect("it compiles").is_some());
}

#[test]
fn a_source_that_does_not_compile_is_named_with_its_line_and_not_kept() {
    let folders = Folders::new();
    folders.put("gemm.cu", "refuse");
    let refused = || folders.read().expect("it is sound").image_by("gemm", HOPPER, &Echo::default());
    for _ in 0..2 {
        let message = refused().expect_err("it does not compile").to_string();
        let path = folders.kernels.path().join("gemm.cu");
        let wanted = format!("the kernels in `{}` do not compile for sm_90a\ngemm.cu:7:1: error: no", path.display());
        assert!(message.starts_with(&wanted), "{message}");
    }
    folders.put("gemm.cu", "fail");
    let message = refused().expect_err("the compiler fails").to_string();
    assert!(message.contains("NVRTC fails: out of memory"), "{message}");
    assert!(!folders.cache.path().join("kernels").exists());
}

#[test]
fn a_folder_that_cannot_be_used_says_why() {
    let folders = Folders::new();
    let message = |folders: &Folders| folders.read().expect_err("it is not sound").to_string();
    folders.put("gem.cu", "");
    assert!(message(&folders).contains("gem.cu` replaces no kernels: name it like one of conv2d, gemm"));
    fs::remove_file(folders.kernels.path().join("gem.cu")).expect("it is there");

    fs::write(folders.kernels.path().join("conv2d.cu"), [0xff, 0xfe]).expect("it can be written");
    assert!(message(&folders).contains("conv2d.cu"), "not UTF-8");
    let large = fs::File::create(folders.kernels.path().join("conv2d.cu")).expect("it can be made");
    large.set_len(MOST_BYTES + 1).expect("it can be as large");
    assert!(message(&folders).contains("4194305 bytes"), "too large");

    let nowhere = Overrides::read(Path::new("no/such/folder"), None).expect_err("it is not there");
    assert!(nowhere.to_string().starts_with("kernels cannot be read from `no/such/folder`"), "{nowhere}");
}

#[test]
fn what_is_read_is_watched_and_fingerprinted() {
    let folders = Folders::new();
    folders.put("include/easel/tile/load.cuh", "1");
    let first = folders.read().expect("it is sound");
    let names: BTreeSet<_> = first
        .files()
        .iter()
        .map(|path| {
            path.strip_prefix(folders.kernels.path()).expect("it is in the folder").to_string_lossy().into_owned()
        })
        .collect();
    let wanted = ["", "gemm.cu", "include/easel", "include/easel/tile", "include/easel/tile/load.cuh"];
    assert_eq!(names, wanted.map(str::to_owned).into());
    assert_eq!(first.fingerprint(), folders.read().expect("it is sound").fingerprint());
    folders.put("include/easel/tile/load.cuh", "2");
    assert_ne!(first.fingerprint(), folders.read().expect("it is sound").fingerprint());
}

/// Whatever it is that keeps them from being compiled here: that it is said shows that they are asked for.
#[test]
fn kernels_in_force_are_used_from_the_next_launch_on_and_no_longer() {
    let folders = Folders::new();
    folders.put("elementwise.cu", "no kernels");
    let read = Overrides::read_replacing(folders.kernels.path(), None, &["elementwise", "gemm"].map(str::to_owned));
    let overrides = Arc::new(read.expect("it is sound"));
    // Held to the end: others that need the device wait, and so do not get these kernels.
    let place = harness::emulated(Settings::default());
    let x = Tensor::from_f32(vec![1.0, 2.0], [2]).and_then(|x| x.to_device(place.device)).expect("there is room");
    let sum = || add(&x, &x).and_then(|sum| sum.to_vec_f32());
    for _ in 0..2 {
        assert_eq!(sum(), Ok(vec![2.0, 4.0]));
        install(Some(Arc::clone(&overrides)));
        assert!(matches!(sum(), Err(KernelError::Overrides(_))), "{:?}", sum());
        assert!(matches!(overrides.compile_for(place.device), Err(KernelError::Overrides(_))));
        assert_eq!(overrides.compile_for(Device::Cpu), Ok(()));
        install(None);
    }
    assert_eq!(sum(), Ok(vec![2.0, 4.0]));
}

/// With the library itself where it can be found, as in the stage `cuda` of `.ci/run`.
#[test]
fn nvrtc_compiles_what_the_header_offers_or_says_that_it_is_missing() {
    const SOURCE: &str = r#"#include "easel/device.cuh"
extern "C" __global__ void scale_f16(const half* x, half* out, float factor) {
    out[threadIdx.x] = from_float<half>(to_float(x[threadIdx.x]) * factor);
}
EXPORT_KERNEL(scale_f16)
"#;
    let folders = Folders::new();
    folders.put("gemm.cu", SOURCE);
    let gemm = |target| folders.read().expect("it is sound").image("gemm", target);
    // SAFETY: as in `nvrtc::version`.
    if !unsafe { sys::is_culib_present() } {
        assert!(std::env::var_os("EASEL_TEST_NVRTC").is_none(), "it was said to be there");
        let error = gemm(HOPPER).expect_err("there is no compiler");
        assert_eq!(error, OverrideError::NoCompiler);
        assert!(error.to_string().contains("LD_LIBRARY_PATH"), "{error}");
        return;
    }
    for target in [HOPPER, AMPERE] {
        let cubin = gemm(target).expect("it compiles").expect("it is replaced");
        assert_eq!(cubin[..4], *b"\x7fELF");
        assert!(cubin.windows(9).any(|window| window == b"scale_f16"), "it has the kernel");
        assert_eq!(gemm(target), Ok(Some(cubin)), "and it is kept");
    }
    folders.put("gemm.cu", &SOURCE.replace("* factor", "* faktor"));
    let Err(OverrideError::Refused { architecture, messages, .. }) = gemm(HOPPER) else {
        panic!("an unknown name is refused");
    };
    assert_eq!((architecture.as_str(), messages.len()), ("sm_90a", 1));
    let message = &messages[0];
    assert_eq!((message.file.as_deref(), message.line, message.column), (Some("gemm.cu"), Some(3), Some(68)));
    assert!(message.text.contains("faktor"), "{message}");
    let error = gemm(Target { compute_capability: (2, 0), driver_version: 13000 }).expect_err("no device is that old");
    assert!(matches!(error, OverrideError::CompilerFails(_)), "{error}");
}

/// So that a copy of any of them is a sound beginning for whoever works on it.
#[test]
fn every_built_in_source_compiles_by_nvrtc_where_that_is() {
    // SAFETY: as in `nvrtc::version`.
    if !unsafe { sys::is_culib_present() } {
        assert!(std::env::var_os("EASEL_TEST_NVRTC").is_none(), "it was said to be there");
        assert_eq!(Nvrtc.identity(), Err(OverrideError::NoCompiler));
        return;
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("cuda");
    let known: Vec<String> = fatbins::modules().map(str::to_owned).collect();
    let overrides = Overrides::read_replacing(&folder, None, &known).expect("it is sound");
    assert_eq!(overrides.sources.keys().collect::<Vec<_>>(), known.iter().collect::<Vec<_>>());
    for module in &known {
        let cubin = overrides.image(module, HOPPER).unwrap_or_else(|error| panic!("{error}"));
        assert!(cubin.is_some_and(|cubin| cubin.starts_with(b"\x7fELF")), "{module}");
    }
}
