//! What to run and how, as it is kept: enough to do it again elsewhere, later, in another process.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::paths::StoredPath;
use crate::plan::Settings;
use crate::source::Source;

/// What to run and how. The texts are copies: what happens to the files afterwards changes nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// The workflow.
    pub source: Source,
    /// The texts of the workflows that it includes, by path.
    pub files: Vec<(PathBuf, Arc<str>)>,
    /// Inputs, targets, folders.
    pub settings: Settings,
    /// How it is carried out.
    pub options: JobOptions,
}

/// How a job is carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobOptions {
    /// The device to compute on, as the command line names it.
    pub device: String,
    /// What to compute in there, as the command line names it.
    pub precision: String,
    /// Whether results are taken from the cache and put there.
    pub cache: bool,
    /// After how many steps a loop saves its state; none: as often as is usual.
    pub save_every: Option<usize>,
    /// Where its run belongs in a sweep; none: it was begun for itself.
    pub sweep: Option<SweepPart>,
}

impl Default for JobOptions {
    fn default() -> Self {
        JobOptions { device: "auto".into(), precision: "auto".into(), cache: true, save_every: None, sweep: None }
    }
}

/// Where a run belongs in a sweep: a workflow that is run with several values of an input, or of two. It changes nothing of
/// what is run; what one program wrote, another one may pass over.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SweepPart {
    /// The same for all runs of one sweep, and for those of no other.
    pub sweep: String,
    /// Its column.
    pub column: SweepValue,
    /// Its row, if there are two inputs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub row: Option<SweepValue>,
}

/// What all runs of a column or a row are given.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SweepValue {
    /// Which one of the values it is, counted from 0.
    pub at: usize,
    /// The input: `seed`, `decoder.steps`.
    pub input: String,
    /// The value as a file writes it; a text without its quotes.
    pub value: String,
    /// It is a text.
    pub is_text: bool,
}

impl Job {
    /// The same with every path absolute: whoever carries it out may stand in another folder.
    pub(super) fn absolute(&self) -> Job {
        // A path that cannot be made absolute (an empty one) means the same anywhere.
        let absolute = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
        let mut job = self.clone();
        job.source.path = job.source.path.as_deref().map(absolute);
        let folder = job.source.path.as_deref().and_then(Path::parent);
        // Said, since the text may be read from the journal, which has no folder of its own.
        let base = job.settings.base_dir.as_deref().map(absolute).or_else(|| folder.map(Path::to_path_buf));
        job.settings.base_dir = Some(base.unwrap_or_else(|| absolute(Path::new("."))));
        let out = if job.settings.out_dir.as_os_str().is_empty() { Path::new(".") } else { &job.settings.out_dir };
        job.settings.out_dir = absolute(out);
        job.files.iter_mut().for_each(|(path, _)| *path = absolute(path));
        job
    }

    /// Settings and options as the journal keeps them.
    pub(super) fn encode(&self) -> String {
        let stored = Stored {
            set: self.settings.set.clone(),
            targets: self.settings.targets.clone(),
            keep_going: self.settings.keep_going,
            memory_limit: self.settings.memory_limit,
            base: self.settings.base_dir.as_deref().map(StoredPath::from),
            out: Some(StoredPath::from(self.settings.out_dir.as_path())),
            device: self.options.device.clone(),
            precision: self.options.precision.clone(),
            cache: self.options.cache,
            save_every: self.options.save_every,
            sweep: self.options.sweep.as_ref().and_then(|part| serde_json::to_value(part).ok()),
        };
        // Strings, booleans and numbers have no way to fail; nothing would be read as all defaults.
        serde_json::to_string(&stored).unwrap_or_default()
    }

    /// What [`Job::encode`] wrote.
    pub(super) fn decode(text: &str) -> Result<(Settings, JobOptions), String> {
        let stored: Stored =
            serde_json::from_str(text).map_err(|error| format!("its settings cannot be read: {error}"))?;
        let settings = Settings {
            set: stored.set,
            targets: stored.targets,
            base_dir: stored.base.map(PathBuf::from),
            out_dir: stored.out.map(PathBuf::from).unwrap_or_default(),
            keep_going: stored.keep_going,
            memory_limit: stored.memory_limit,
        };
        let Stored { device, precision, cache, save_every, sweep, .. } = stored;
        // Whatever is wrong with a label, what it stands at can be run.
        let sweep = sweep.and_then(|part| serde_json::from_value(part).ok());
        let options = JobOptions { device, precision, cache, save_every, sweep };
        Ok((settings, options))
    }
}

/// What a newer program adds is passed over; what an older one lacked is as it was then.
#[derive(Debug, Serialize, Deserialize)]
#[serde(default)]
struct Stored {
    set: Vec<(String, String)>,
    targets: Option<Vec<String>>,
    keep_going: bool,
    memory_limit: Option<u64>,
    base: Option<StoredPath>,
    out: Option<StoredPath>,
    device: String,
    precision: String,
    cache: bool,
    save_every: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sweep: Option<serde_json::Value>,
}

impl Default for Stored {
    fn default() -> Self {
        let JobOptions { device, precision, cache, save_every, .. } = JobOptions::default();
        Stored {
            set: Vec::new(),
            targets: None,
            keep_going: false,
            memory_limit: None,
            base: None,
            out: None,
            device,
            precision,
            cache,
            save_every,
            sweep: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    prop_compose! {
        fn value()(at: usize, input in ".*", value in ".*", is_text: bool) -> SweepValue {
            SweepValue { at, input, value, is_text }
        }
    }

    prop_compose! {
        fn part()(sweep in ".*", column in value(), row in proptest::option::of(value())) -> SweepPart {
            SweepPart { sweep, column, row }
        }
    }

    proptest! {
        #[test]
        fn settings_come_back(
            set in proptest::collection::vec((".*", ".*"), 0..4),
            targets in proptest::option::of(proptest::collection::vec(".*", 0..4)),
            keep_going: bool,
            memory_limit: Option<u64>,
            base_dir in proptest::option::of("[^\0]{1,20}"),
            out_dir in "[^\0]{1,20}",
            device in ".*",
            precision in ".*",
            cache: bool,
            save_every: Option<usize>,
            sweep in proptest::option::of(part()),
        ) {
            let job = Job {
                source: Source::new("a", ""),
                files: Vec::new(),
                settings: Settings {
                    set,
                    targets,
                    base_dir: base_dir.map(Into::into),
                    out_dir: out_dir.into(),
                    keep_going,
                    memory_limit,
                },
                options: JobOptions { device, precision, cache, save_every, sweep },
            };
            prop_assert_eq!(Job::decode(&job.encode()), Ok((job.settings, job.options)));
        }

        #[test]
        fn no_text_makes_reading_panic(text in ".*") {
            let _ = Job::decode(&text);
        }
    }

    #[test]
    fn what_is_not_said_is_as_usual() {
        let (settings, options) = Job::decode(r#"{"targets": ["a"], "colour": "red"}"#).expect("it can be read");
        assert_eq!((settings.targets, options), (Some(vec!["a".to_string()]), JobOptions::default()));
    }

    #[test]
    fn a_label_that_cannot_be_read_is_none_and_does_no_harm() {
        for label in [r#"7"#, r#"{"sweep": 7}"#, r#"{"column": {"at": -1}}"#, "null"] {
            let text = format!(r#"{{"device": "cpu", "sweep": {label}}}"#);
            let (_, options) = Job::decode(&text).expect("it can be read");
            assert_eq!((options.device.as_str(), options.sweep), ("cpu", None), "{label}");
        }
        let newer = r#"{"sweep": {"sweep": "a", "colour": 1, "column": {"at": 2, "input": "seed"}}}"#;
        let (_, options) = Job::decode(newer).expect("it can be read");
        let column = SweepValue { at: 2, input: "seed".into(), ..SweepValue::default() };
        assert_eq!(options.sweep, Some(SweepPart { sweep: "a".into(), column, row: None }));
    }

    #[test]
    fn every_path_is_absolute() {
        let job = Job {
            source: Source { path: Some("flows/a.ron".into()), ..Source::new("flows/a.ron", "") },
            files: vec![("flows/b.ron".into(), "".into())],
            settings: Settings { out_dir: "out".into(), ..Settings::default() },
            options: JobOptions::default(),
        };
        let here = std::env::current_dir().expect("there is one");
        let absolute = job.absolute();
        assert_eq!(absolute.source.path, Some(here.join("flows/a.ron")));
        assert_eq!(absolute.settings.base_dir, Some(here.join("flows")));
        assert_eq!(absolute.settings.out_dir, here.join("out"));
        assert_eq!(absolute.files[0].0, here.join("flows/b.ron"));
    }
}
