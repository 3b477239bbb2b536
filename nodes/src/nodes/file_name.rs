//! `FileName`: the parts of a path.

use std::path::Path;

use easel_engine::{
    Context, InputSpec, Inputs, Lanes, Node, NodeError, NodeResult, NodeSpec, OutputSpec, Outputs, kinds,
};

/// Takes a path apart.
pub struct FileName;

impl Node for FileName {
    fn spec(&self) -> NodeSpec {
        NodeSpec::new("FileName", "Takes a path apart, to name what is made from a file after it.")
            .lanes(Lanes::None)
            .input(InputSpec::new("path", kinds::TEXT, "a path; the file need not be there"))
            .output(OutputSpec::new("stem", kinds::TEXT, "the name without folder and extension: cat"))
            .output(OutputSpec::new("extension", kinds::TEXT, "what comes after the last point, or nothing: png"))
            .output(OutputSpec::new("folder", kinds::TEXT, "what comes before the name, or nothing: pictures"))
    }

    fn run(&self, inputs: &Inputs, _: &mut Context<'_>) -> NodeResult {
        let text = inputs.get::<String>("path")?;
        let path = Path::new(text);
        let stem = path.file_stem().ok_or_else(|| {
            NodeError::new(format!("{text:?} names no file")).with_hint("it ends in a folder, or is empty")
        })?;
        // Parts of a text are text.
        let part = |part: Option<&std::ffi::OsStr>| part.unwrap_or_default().to_string_lossy().into_owned();
        Ok(Outputs::one("stem", part(Some(stem)))
            .with("extension", part(path.extension()))
            .with("folder", part(path.parent().map(Path::as_os_str))))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on fails there")]

    use super::*;
    use crate::nodes::trial::{failure, output, run, text};

    #[test]
    fn a_path_has_three_parts() {
        let cases = [
            ("pictures/cat.png", ["cat", "png", "pictures"]),
            ("/a/b/archive.tar.gz", ["archive.tar", "gz", "/a/b"]),
            ("katze", ["katze", "", ""]),
            (".hidden", [".hidden", "", ""]),
        ];
        for (path, wanted) in cases {
            let outputs = run(&FileName, [("path", text(path))]).unwrap();
            let got = ["stem", "extension", "folder"].map(|name| output::<String>(&outputs, name).as_str());
            assert_eq!(got, wanted, "{path}");
        }
    }

    #[test]
    fn a_path_without_a_name_is_refused() {
        for path in ["", "/", "a/.."] {
            assert!(failure(run(&FileName, [("path", text(path))])).contains("names no file"), "{path}");
        }
    }
}
