//! Compiles the runtime and the stand-in driver to one library, and the kernels to two: with a hook at every access, and
//! without. Only what has changed is compiled again.

use std::collections::hash_map::DefaultHasher;
use std::env;
use std::ffi::OsStr;
use std::fs;
use std::hash::{Hash, Hasher};
use std::path::{Path, PathBuf};

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

const INCLUDE: &str = "../cuda/include";
const HEADERS: [&str; 2] = ["../cuda/include/easel", "../cuda/include/easel/emulation"];

/// Every access calls a `__tsan_` function, which the runtime has: no library of the sanitizer is linked.
const INSTRUMENTED: &[&str] = &["-fsanitize=thread"];

/// Kernels are part of the product: what these flags name is an error in them.
const KERNEL_FLAGS: &[&str] = &[
    "-xc++",
    "-O2",
    // Products and sums are rounded apart unless a kernel says fmaf, or the checked and the plain version would differ.
    "-ffp-contract=off",
    "-fno-exceptions",
    "-fno-rtti",
    // A tag of a shared object is an address: nothing needs to be initialised once.
    "-fno-threadsafe-statics",
    "-Wno-unknown-pragmas",
    "-Werror=array-bounds",
    "-Werror=implicit-fallthrough",
    "-Werror=return-type",
    "-Werror=uninitialized",
    "-Werror=unused-but-set-variable",
    "-Werror=unused-variable",
];

fn main() -> Outcome<()> {
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("OUT_DIR is not set")?);
    for watched in ["build.rs", "runtime", "tests/kernels", "../cuda"] {
        println!("cargo:rerun-if-changed={watched}");
    }

    let mut runtime = sources("runtime", "cpp")?;
    runtime.extend(sources("runtime/driver", "cpp")?);
    runtime.push(PathBuf::from(format!("runtime/switch_{}.S", env::var("CARGO_CFG_TARGET_ARCH")?)));
    let headers = [&["runtime", "runtime/driver"][..], &HEADERS].concat();
    let objects = compile(&runtime, &["-O3"], &headers, &out.join("runtime"))?;
    link(&out.join("libcuda.so"), &objects)?;
    println!("cargo:rustc-env=EASEL_EMULATION_DRIVER={}", out.join("libcuda.so").display());

    for (library, folder) in [("KERNELS", "../cuda"), ("TEST_KERNELS", "tests/kernels")] {
        for (version, flags) in [("PLAIN", &[][..]), ("CHECKED", INSTRUMENTED)] {
            let name = format!("{}_{}", library.to_lowercase(), version.to_lowercase());
            let flags = [KERNEL_FLAGS, flags].concat();
            let objects = compile(&sources(folder, "cu")?, &flags, &HEADERS, &out.join(&name))?;
            let file = out.join(format!("lib{name}.so"));
            link(&file, &objects)?;
            println!("cargo:rustc-env=EASEL_EMULATION_{library}_{version}={}", file.display());
        }
    }
    Ok(())
}

/// The objects of these sources. Those are kept whose source, headers and flags are what they were.
fn compile(sources: &[PathBuf], flags: &[&str], headers: &[&str], out: &Path) -> Outcome<Vec<PathBuf>> {
    fs::create_dir_all(out)?;
    let mut build = compiler();
    build.out_dir(out);
    for flag in flags {
        build.flag(flag);
    }
    let mut common = DefaultHasher::new();
    format!("{:?}", build.try_get_compiler()?.to_command()).hash(&mut common);
    for folder in headers {
        for header in [self::sources(folder, "cuh")?, self::sources(folder, "h")?].concat() {
            fs::read(header)?.hash(&mut common);
        }
    }
    let mut objects = Vec::new();
    let mut stale = Vec::new();
    for source in sources {
        let mut hasher = common.clone();
        (source, fs::read(source)?).hash(&mut hasher);
        let stamp = out.join(source.file_name().ok_or("a source without a name")?).with_extension("stamp");
        let fingerprint = hasher.finish().to_string();
        match fs::read_to_string(&stamp).ok().as_deref().and_then(|text| text.split_once(' ')) {
            Some((known, object)) if known == fingerprint && Path::new(object).is_file() => objects.push(object.into()),
            _ => stale.push((source, stamp, fingerprint)),
        }
    }
    if stale.is_empty() {
        return Ok(objects);
    }
    let compiled = build.files(stale.iter().map(|(source, ..)| source)).try_compile_intermediates()?;
    for ((_, stamp, fingerprint), object) in stale.into_iter().zip(compiled) {
        fs::write(stamp, format!("{fingerprint} {}", object.display()))?;
        objects.push(object);
    }
    Ok(objects)
}

fn compiler() -> cc::Build {
    let mut build = cc::Build::new();
    build.cpp(true).std("c++17").pic(true).warnings(true).extra_warnings(true).cargo_metadata(false);
    build.include(INCLUDE).define("EASEL_EMULATION", None);
    // Lines for reports; parameters that only one version of a kernel needs; tensor maps are passed by value.
    for flag in ["-g1", "-Wno-unused-parameter", "-Wno-psabi"] {
        build.flag(flag);
    }
    for (feature, flag) in host_features() {
        if feature {
            build.flag(flag);
        }
    }
    build
}

/// What of x86-64's later instructions this machine has: conversions of halves are slow without. The libraries run where
/// they are built.
#[cfg(target_arch = "x86_64")]
fn host_features() -> [(bool, &'static str); 3] {
    use std::arch::is_x86_feature_detected;
    [
        (is_x86_feature_detected!("f16c"), "-mf16c"),
        (is_x86_feature_detected!("fma"), "-mfma"),
        (is_x86_feature_detected!("avx2"), "-mavx2"),
    ]
}

#[cfg(not(target_arch = "x86_64"))]
fn host_features() -> [(bool, &'static str); 0] {
    []
}

/// The files of a folder with this extension, in order; none if there is no such folder.
fn sources(folder: &str, extension: &str) -> Outcome<Vec<PathBuf>> {
    let mut found = Vec::new();
    if Path::new(folder).is_dir() {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.extension() == Some(OsStr::new(extension)) {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

/// Calls between the libraries are bound when they are loaded: the driver comes first, and is known by the name that
/// programs look for.
fn link(library: &Path, objects: &[PathBuf]) -> Outcome<()> {
    let name = library.file_name().and_then(OsStr::to_str).ok_or("a library without a name")?;
    let mut command = compiler().try_get_compiler()?.to_command();
    command.arg("-shared").arg(format!("-Wl,-soname,{name}")).arg("-o").arg(library).args(objects).args(["-ldl"]);
    let status = command.status()?;
    if status.success() { Ok(()) } else { Err(format!("linking {name} failed: {status}").into()) }
}
