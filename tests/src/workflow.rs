//! Running workflows as the command line does, with the values of chosen nodes kept.

use std::path::Path;

use easel_engine::{CancelToken, EventSink, Outcome, Outputs, Plan, Run, RunReport, Settings, Source};
use easel_kernels::Placement;

/// Runs a workflow's text on the CPU and gives back its report.
///
/// # Panics
/// If the workflow has errors.
pub fn run(text: &str, base_dir: &Path, out_dir: &Path, set: &[(&str, &str)], targets: &[&str]) -> RunReport {
    run_at(Placement::CPU, text, base_dir, out_dir, set, targets)
}

/// Runs a workflow's text at `place` and gives back its report.
///
/// # Panics
/// If the workflow has errors.
pub fn run_at(
    place: Placement,
    text: &str,
    base_dir: &Path,
    out_dir: &Path,
    set: &[(&str, &str)],
    targets: &[&str],
) -> RunReport {
    let settings = Settings {
        set: set.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect(),
        targets: (!targets.is_empty()).then(|| targets.iter().map(ToString::to_string).collect()),
        base_dir: Some(base_dir.to_path_buf()),
        out_dir: out_dir.to_path_buf(),
        ..Settings::default()
    };
    let registry = easel_nodes::registry().expect("the built-in nodes are sound");
    let source = Source::new("test.ron", text);
    let (plan, _) =
        Plan::prepare(&source, &registry, &settings).unwrap_or_else(|diagnostics| panic!("{diagnostics:#?}"));
    Run::new(plan, easel_nodes::services(place), EventSink::new(), CancelToken::new()).execute()
}

/// The outputs of a node that a completed run was asked for.
///
/// # Panics
/// If the run failed or the node was no target of it.
pub fn outputs<'a>(report: &'a RunReport, node: &str) -> &'a Outputs {
    let failures: Vec<_> = report.failed.iter().map(|failure| (&failure.node, &failure.message)).collect();
    assert_eq!(report.outcome, Outcome::Completed, "{failures:?}");
    report.outputs.get(node).unwrap_or_else(|| panic!("`{node}` is no target of the run"))
}
