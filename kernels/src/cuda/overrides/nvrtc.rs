//! The compiler that comes with CUDA as a library, found at run time.

use std::collections::BTreeMap;
use std::ffi::{CString, c_char, c_int};
use std::fs;
use std::path::{Path, PathBuf};
use std::ptr;
use std::sync::OnceLock;

use cudarc::nvrtc::{result, sys};

use super::OverrideError;

/// What is compiled, and how.
pub(super) struct Program<'a> {
    /// The file's name, for messages.
    pub(super) name: String,
    pub(super) source: &'a str,
    /// By the name that they are included by.
    pub(super) headers: &'a BTreeMap<String, String>,
    pub(super) architecture: String,
}

impl Program<'_> {
    /// What the built-in kernels are compiled with too. There, what is called from a kernel alone is the device's by itself;
    /// here it must be said, for lambdas with parameters of any type.
    pub(super) fn options(&self) -> Vec<String> {
        let architecture = format!("--gpu-architecture={}", self.architecture);
        vec![architecture, "--std=c++17".to_owned(), "--device-as-default-execution-space".to_owned()]
    }
}

/// Why there is no code.
#[derive(Debug)]
pub(super) enum Failure {
    /// The compiler's log: the source is wrong.
    Refuses(String),
    /// The compiler itself does not work.
    Fails(String),
}

/// Makes code of programs.
pub(super) trait Compiler {
    /// Differs for compilers that may make other code of the same program.
    fn identity(&self) -> Result<String, OverrideError>;

    /// The code: a cubin.
    fn compile(&self, program: &Program<'_>) -> Result<Vec<u8>, Failure>;
}

/// The real one.
pub(super) struct Nvrtc;

impl Compiler for Nvrtc {
    fn identity(&self) -> Result<String, OverrideError> {
        let (major, minor) = version()?;
        let headers = toolkit_headers().iter().map(|folder| folder.display().to_string()).collect::<Vec<_>>();
        Ok(format!("nvrtc {major}.{minor} {}", headers.join(":")))
    }

    fn compile(&self, program: &Program<'_>) -> Result<Vec<u8>, Failure> {
        let mut options = program.options();
        options.extend(toolkit_headers().iter().map(|folder| format!("--include-path={}", folder.display())));
        let source = text(program.source)?;
        let name = text(&program.name)?;
        let (names, texts): (Vec<_>, Vec<_>) = program.headers.iter().unzip();
        let names = texts_of(names.into_iter())?;
        let texts = texts_of(texts.into_iter())?;
        let handle = Handle::new(&source, &name, &names, &texts).map_err(fails)?;
        match handle.compile(&options) {
            Ok(()) => handle.cubin().map_err(fails),
            Err(result::NvrtcError(sys::nvrtcResult::NVRTC_ERROR_COMPILATION)) => Err(Failure::Refuses(handle.log())),
            Err(error) => Err(Failure::Fails(format!("{error}: {}", handle.log().trim()))),
        }
    }
}

fn fails(error: result::NvrtcError) -> Failure {
    Failure::Fails(error.to_string())
}

fn text(text: &str) -> Result<CString, Failure> {
    let message = |_| Failure::Refuses("error: a source has a NUL character in it: take it out".to_owned());
    CString::new(text).map_err(message)
}

fn texts_of<'a>(texts: impl Iterator<Item = &'a String>) -> Result<Vec<CString>, Failure> {
    texts.map(|one| text(one)).collect()
}

/// The version of the library that was found.
fn version() -> Result<(c_int, c_int), OverrideError> {
    // SAFETY: this opens and closes the library, whose initialisers are written to be run by any program.
    if !unsafe { sys::is_culib_present() } {
        return Err(OverrideError::NoCompiler);
    }
    let (mut major, mut minor) = (0, 0);
    // SAFETY: the library is there, and the pointers are valid for one `int` each.
    let code = unsafe { sys::nvrtcVersion(&raw mut major, &raw mut minor) };
    code.result().map_err(|error| OverrideError::CompilerFails(error.to_string()))?;
    Ok((major, minor))
}

/// The folders of the headers of half-precision numbers, which NVRTC does not bring along: they stand beside it.
fn toolkit_headers() -> &'static [PathBuf] {
    static FOLDERS: OnceLock<Vec<PathBuf>> = OnceLock::new();
    FOLDERS.get_or_init(|| {
        let maps = fs::read_to_string("/proc/self/maps").unwrap_or_default();
        let library = library_in(&maps);
        library.and_then(|library| headers_near(&library, Path::is_file)).unwrap_or_default()
    })
}

/// Where a library of that name was loaded from, according to Linux's list of mapped files.
fn library_in(maps: &str) -> Option<PathBuf> {
    let paths = maps.lines().filter_map(|line| line.find('/').map(|start| Path::new(&line[start..])));
    let is_nvrtc =
        |path: &&Path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("libnvrtc.so"));
    paths.filter(is_nvrtc).map(Path::to_path_buf).next()
}

/// `include` beside the library's folder or above it; libcu++, which those headers include, may have one of its own in it.
fn headers_near(library: &Path, is_file: impl Fn(&Path) -> bool) -> Option<Vec<PathBuf>> {
    let mut folders = library.ancestors().skip(1).take(5).map(|folder| folder.join("include"));
    let include = folders.find(|folder| is_file(&folder.join("cuda_fp16.h")))?;
    let own = include.join("cccl");
    Some(if is_file(&own.join("nv/target")) { vec![include, own] } else { vec![include] })
}

/// A program in the compiler's hands.
struct Handle(sys::nvrtcProgram);

impl Handle {
    fn new(
        source: &CString,
        name: &CString,
        header_names: &[CString],
        header_texts: &[CString],
    ) -> Result<Self, result::NvrtcError> {
        let pointers = |texts: &[CString]| texts.iter().map(|text| text.as_ptr()).collect::<Vec<*const c_char>>();
        let (names, texts) = (pointers(header_names), pointers(header_texts));
        let count = c_int::try_from(names.len()).unwrap_or(c_int::MAX);
        let mut program = ptr::null_mut();
        // SAFETY: `identity` found the library before anything is compiled. All strings end in NUL and live during the
        // call, which copies them; both arrays have `count` entries.
        unsafe {
            sys::nvrtcCreateProgram(
                &raw mut program,
                source.as_ptr(),
                name.as_ptr(),
                count,
                texts.as_ptr(),
                names.as_ptr(),
            )
        }
        .result()?;
        Ok(Handle(program))
    }

    fn compile(&self, options: &[String]) -> Result<(), result::NvrtcError> {
        // SAFETY: the program was created and is destroyed only when `self` is dropped. Options are paths and words of
        // this module, without NUL.
        unsafe { result::compile_program(self.0, options) }
    }

    fn cubin(&self) -> Result<Vec<u8>, result::NvrtcError> {
        let mut size = 0;
        // SAFETY: as above; the pointer is valid for one `size_t`.
        unsafe { sys::nvrtcGetCUBINSize(self.0, &raw mut size) }.result()?;
        let mut cubin = vec![0u8; size];
        // SAFETY: as above; the buffer has the size that the compiler asked for.
        unsafe { sys::nvrtcGetCUBIN(self.0, cubin.as_mut_ptr().cast()) }.result()?;
        Ok(cubin)
    }

    /// What the compiler said; empty if it does not say.
    fn log(&self) -> String {
        // SAFETY: as above.
        let log = unsafe { result::get_program_log(self.0) }.unwrap_or_default();
        let bytes: Vec<u8> =
            log.into_iter().map(|character| character.cast_unsigned()).filter(|byte| *byte != 0).collect();
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        // SAFETY: the program was created, and nobody uses it any more. There is nobody to tell of a failure.
        let _ = unsafe { result::destroy_program(self.0) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_looked_for_near_the_library() {
        let maps = "\
7f00-7f01 r--p 00000000 fe:00 1 /usr/lib/libc.so.6
7f01-7f02 rw-p 00000000 00:00 0
7f02-7f03 r-xp 00000000 fe:00 2 /opt/a b/cu13/lib/libnvrtc.so.13
";
        let library = library_in(maps).expect("it is in the list");
        assert_eq!(library, Path::new("/opt/a b/cu13/lib/libnvrtc.so.13"));
        assert_eq!(library_in("7f00-7f01 r--p 00000000 fe:00 1 /usr/lib/libnvrtc-builtins.so"), None);

        let wheel = ["/opt/a b/cu13/include/cuda_fp16.h", "/opt/a b/cu13/include/cccl/nv/target"];
        let found = headers_near(&library, |path| wheel.iter().any(|file| path == Path::new(file)));
        let folders = ["/opt/a b/cu13/include", "/opt/a b/cu13/include/cccl"];
        assert_eq!(found, Some(folders.map(PathBuf::from).to_vec()));
        let debian = Path::new("/usr/lib/x86_64-linux-gnu/libnvrtc.so.13");
        let found = headers_near(debian, |path| path == Path::new("/usr/include/cuda_fp16.h"));
        assert_eq!(found, Some(vec![PathBuf::from("/usr/include")]));
        assert_eq!(headers_near(debian, |_| false), None);
    }
}
