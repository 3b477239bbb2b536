//! How a node wants to be run.

use std::collections::BTreeSet;

use super::group::WhenEmpty;
use super::inputs::{insert_field, remove_field};
use super::syntax::{Scope, entries};
use super::write::invalid_value;
use super::{EditError, NodeOption};
use crate::diagnostic::Replacement;
use crate::document::Literal;

impl NodeOption {
    /// As documents write it.
    pub fn name(&self) -> &'static str {
        match self {
            NodeOption::Mute(_) => "mute",
            NodeOption::Bypass(_) => "bypass",
            NodeOption::Cache(_) => "cache",
            NodeOption::Device(_) => "device",
            NodeOption::Timeout(_) => "timeout",
            NodeOption::Retry(_) => "retry",
        }
    }

    /// What is written, if anything is.
    fn value(&self) -> Result<Option<String>, EditError> {
        Ok(match self {
            NodeOption::Mute(flag) | NodeOption::Bypass(flag) => flag.then(|| "true".into()),
            NodeOption::Cache(flag) => flag.map(|flag| flag.to_string()),
            NodeOption::Device(device) => device.as_ref().map(|device| Literal::Text(device.clone()).to_string()),
            NodeOption::Timeout(Some(seconds)) if !(seconds.is_finite() && *seconds > 0.0) => {
                return Err(invalid_value(&seconds.to_string(), "a timeout is a number of seconds above 0"));
            }
            NodeOption::Timeout(seconds) => seconds.map(|seconds| Literal::Float(seconds).to_string()),
            NodeOption::Retry(times) => times.map(|times| times.to_string()),
        })
    }

    /// The option that cannot be set beside it.
    fn rival(&self) -> Option<&'static str> {
        match self {
            NodeOption::Mute(true) => Some("bypass"),
            NodeOption::Bypass(true) => Some("mute"),
            _ => None,
        }
    }
}

pub(super) fn set(scope: &Scope<'_>, node: &str, option: &NodeOption) -> Result<Vec<Replacement>, EditError> {
    let (name, value) = (option.name(), option.value()?);
    let node = scope.node(node)?;
    let Some(options) = super::syntax::field(node.value, "options") else {
        return match value {
            Some(value) => insert_field(scope, node.value, &format!("options: ({name}: {value})"), usize::MAX),
            None => Ok(Vec::new()),
        };
    };
    let group = scope.group(options, &format!("the options of `{}`", node.id))?;
    let written = entries(options);
    let place = |wanted: Option<&str>| written.iter().position(|entry| wanted.is_some() && entry.name() == wanted);
    let (own, rival) = (place(Some(name)), place(option.rival()));
    let Some(value) = value else {
        return match own {
            None => Ok(Vec::new()),
            Some(_) if written.len() == 1 => remove_field(scope, node.value, "options"),
            Some(own) => Ok(group.remove(&BTreeSet::from([own]))),
        };
    };
    let entry = match matches!(options.kind, crate::document::tree::TreeKind::Map(_)) {
        true => format!("\"{name}\": {value}"),
        false => format!("{name}: {value}"),
    };
    match (own, rival) {
        (Some(own), rival) => {
            let mut changes = group.remove(&rival.into_iter().collect());
            changes.push(Replacement { span: written[own].value().span.clone(), text: value });
            Ok(changes)
        }
        (None, Some(rival)) => Ok(vec![Replacement { span: group.item(rival), text: entry }]),
        (None, None) => Ok(group.insert(usize::MAX, &[entry], WhenEmpty::Inline)),
    }
}
