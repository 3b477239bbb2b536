//! What a run warned of stands with what is wrong with the workflow, at the nodes that said it, until the next run.

use std::sync::Arc;

use easel_engine::Severity;

use super::super::model::{Finding, Model, without_pass};
use super::graph;

/// Of more, nobody reads any.
const MOST: usize = 200;

/// Puts what the run warned of among the findings, unless it is there.
pub(super) fn keep_up(model: &mut Model) {
    let run = model.run_here().map_or((Default::default(), 0), |run| (run.began, run.warned));
    let checked = model.flow.as_ref().and_then(|flow| Some((&flow.path, flow.checked.as_ref()?.revision)));
    let Some((path, revision)) = checked else { return };
    let (began, count) = run;
    let is_known = |told: &(_, _, _, _)| (&told.0, told.1, told.2, told.3) == (path, revision, began, count);
    if model.told.as_ref().is_some_and(is_known) {
        return;
    }
    model.told = Some((path.clone(), revision, began, count));
    let told = findings(model);
    let Some(flow) = &mut model.flow else { return };
    let Some(checked) = &mut flow.checked else { return };
    if told.is_empty() && checked.findings.iter().all(|finding| finding.told_by.is_none()) {
        return;
    }
    checked.findings.retain(|finding| finding.told_by.is_none());
    checked.findings.extend(told);
    let inside = checked.inside.clone();
    checked.show(&inside);
    flow.problem = flow.problem.min(checked.findings.len().saturating_sub(1));
    flow.lay_out();
    model.is_changed = true;
    graph::bound(model);
}

/// What nodes of the open file warned of in the run.
fn findings(model: &Model) -> Vec<Finding> {
    let (Some(run), Some(flow)) = (model.run_here(), &model.flow) else { return Vec::new() };
    let prefix = model.run_way(run, &flow.prefix);
    let mut found: Vec<Finding> = Vec::new();
    for node in run.nodes.iter().filter(|node| node.warnings.1 > 0) {
        let mut parts = node.node.split('/').map(without_pass);
        if !prefix.iter().all(|wanted| parts.next() == Some(wanted)) {
            continue;
        }
        let name: Arc<str> = parts.collect::<Vec<_>>().join("/").into();
        for warning in &node.warnings.0 {
            let message = format!("{name}: {warning}");
            // What runs several times may say the same several times.
            if found.iter().any(|known| known.message == message) {
                continue;
            }
            if found.len() == MOST {
                return found;
            }
            found.push(Finding {
                severity: Severity::Warning,
                drawn: message.clone(),
                message,
                hint: None,
                place: Some("told by the run".into()),
                node: None,
                span: None,
                file: None,
                fix: None,
                told_by: Some(Arc::clone(&name)),
                is_missing_input: false,
            });
        }
    }
    found
}
