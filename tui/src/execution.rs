//! What running something needs and comes to. Shared by the commands that run something.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Once};

use easel_engine::{Outcome, Plan, Registry, RunId, RunReport};
use easel_kernels::{Device, Placement, Precision, automatic};

use crate::error::{CommandError, Exit};
use crate::terminal::{self, printable};

/// A file that a node wrote for the user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Artifact {
    pub(crate) node: Arc<str>,
    pub(crate) path: PathBuf,
}

/// A run that is over.
pub(crate) struct Finished {
    pub(crate) report: RunReport,
    pub(crate) artifacts: Vec<Artifact>,
    /// The id under which the journal has it.
    pub(crate) recorded: Option<RunId>,
    /// Nothing was left out since it was wrong.
    pub(crate) is_whole: bool,
}

impl Finished {
    /// What the shell is told. A run that failed in part has failed.
    pub(crate) fn exit(&self) -> Exit {
        match self.report.outcome {
            Outcome::Completed if self.is_whole => Exit::Done,
            _ => Exit::Failed,
        }
    }

    /// The files that it wrote.
    pub(crate) fn files(&self) -> impl Iterator<Item = &Path> + Clone {
        self.artifacts.iter().map(|artifact| artifact.path.as_path())
    }
}

/// Whether a file is a picture, by its name.
pub(crate) fn is_picture(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    ["png", "jpg", "jpeg", "webp"].iter().any(|known| extension.eq_ignore_ascii_case(known))
}

/// All nodes that easel knows.
pub(crate) fn registry() -> Result<Registry, CommandError> {
    easel_nodes::registry().map_err(|error| CommandError::failed(format!("easel's own nodes contradict: {error}")))
}

/// A device as `--device` names it. Why `auto` is not what one would expect is said, once.
pub(crate) fn parse_device(name: &str) -> Result<Device, String> {
    static SAID: Once = Once::new();
    if let ("auto", Some(problem)) = (name, &automatic().problem) {
        SAID.call_once(|| terminal::note(format_args!("note: {}", printable(problem))));
    }
    name.parse().map_err(|error: easel_kernels::KernelError| error.to_string())
}

/// What `--precision` names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PrecisionChoice {
    /// What suits the device.
    Auto,
    /// This one.
    Of(Precision),
}

/// A precision as `--precision` names it.
pub(crate) fn parse_precision(name: &str) -> Result<PrecisionChoice, String> {
    match name {
        "auto" => Ok(PrecisionChoice::Auto),
        _ => name
            .parse()
            .map(PrecisionChoice::Of)
            .map_err(|_| format!("`{name}` is not a precision: use `auto`, `float32`, `float16` or `bfloat16`")),
    }
}

/// Where to compute, and in what: on a GPU float16, which its tensor cores are made for, unless something else is wanted.
pub(crate) fn placement(device: Device, precision: PrecisionChoice) -> Result<Placement, CommandError> {
    let precision = match (precision, device) {
        (PrecisionChoice::Of(precision), _) => precision,
        (PrecisionChoice::Auto, Device::Cpu) => Precision::Float32,
        (PrecisionChoice::Auto, Device::Cuda(_)) => Precision::Float16,
    };
    Placement::new(device, precision).map_err(|error| CommandError::wrong(error.to_string()))
}

/// Whether a plan writes files.
pub(crate) fn writes_files(plan: &Plan, registry: &Registry) -> bool {
    plan.nodes().any(|node| registry.spec(&node.node_type).is_some_and(|spec| spec.effect))
}

/// Why files cannot be written to a folder; nothing if they can. Leaves no trace: a folder that is not there yet is
/// looked for further up.
pub(crate) fn output_problem(folder: &Path) -> Option<String> {
    let shown = folder.display();
    for place in folder.ancestors() {
        let place = if place.as_os_str().is_empty() { Path::new(".") } else { place };
        match std::fs::metadata(place) {
            Ok(metadata) if !metadata.is_dir() => {
                return Some(format!("`{}` is a file, so nothing can be written to `{shown}`", place.display()));
            }
            Ok(_) => {
                let tried = tempfile::tempfile_in(place);
                return tried.err().map(|error| format!("cannot write to `{}`: {error}", place.display()));
            }
            // Below a file ("not a folder") the search goes on up to that file, to name it.
            Err(_) => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_that_cannot_be_written_to_are_found_beforehand() {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        assert_eq!(output_problem(folder.path()), None);
        assert_eq!(output_problem(&folder.path().join("new/newer")), None);
        assert!(!folder.path().join("new").exists(), "looking leaves no trace");
        let file = folder.path().join("file");
        std::fs::write(&file, "").expect("it can be written");
        for path in [file.clone(), file.join("below"), file.join("far/below")] {
            let problem = output_problem(&path).expect("a file is no folder");
            assert!(problem.contains("is a file"), "{problem}");
        }
        assert_eq!(output_problem(Path::new("not/there/yet")), None);
    }

    #[test]
    fn pictures_are_told_by_name() {
        assert!(is_picture(Path::new("a/b.PNG")) && is_picture(Path::new("b.jpeg")));
        assert!(!is_picture(Path::new("png")) && !is_picture(Path::new("a.safetensors")));
    }
}
