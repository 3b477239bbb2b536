//! Which node a finding is about.

use std::ops::Range;

use easel_engine::{Diagnostic, NodeEntry, Part, Severity, Source, Workflow};

/// What was found wrong, as far as it concerns one workflow.
pub(super) struct Findings<'a> {
    /// With places in the text of that workflow.
    here: Vec<(Range<usize>, Severity)>,
    /// With places in other texts.
    elsewhere: Vec<(&'a Source, Severity)>,
}

/// How much of it there is.
#[derive(Clone, Copy, Default)]
pub(super) struct Count {
    pub(super) errors: usize,
    pub(super) warnings: usize,
}

impl<'a> Findings<'a> {
    /// `here` are those of `all` with places in the text of the workflow.
    pub(super) fn new(here: impl Iterator<Item = &'a Diagnostic>, all: &'a [Diagnostic]) -> Self {
        let place =
            |diagnostic: &Diagnostic| diagnostic.labels.first().map(|label| (label.span.clone(), diagnostic.severity));
        let source = |diagnostic: &'a Diagnostic| Some((&**diagnostic.source.as_ref()?, diagnostic.severity));
        let mut here: Vec<_> = here.filter_map(place).collect();
        here.sort_by_key(|(span, _)| span.start);
        Findings { here, elsewhere: all.iter().filter_map(source).collect() }
    }

    /// What concerns a node: what is written in it, and in the workflow that it runs.
    pub(super) fn of(&self, workflow: &Workflow, node: &NodeEntry, body: Option<&Part<'_>>) -> Count {
        let mut count = Count::default();
        count.add(self.within(&node.id.span));
        count.add(self.within(&node.span));
        let named = node.call.as_ref().and_then(|call| call.workflow.as_ref());
        let local = named.and_then(|name| workflow.workflows().find(|local| local.name.value == name.value));
        match (local, body) {
            (Some(local), _) => count.add(self.within(&local.span)),
            (None, Some(body)) => {
                let source = body.document().source();
                count.add(self.elsewhere.iter().filter(|(other, _)| *other == source).map(|(_, severity)| *severity));
            }
            (None, None) => {}
        }
        count
    }

    fn within<'s>(&'s self, span: &Range<usize>) -> impl Iterator<Item = Severity> + use<'s> {
        let end = span.end;
        let first = self.here.partition_point(|(place, _)| place.start < span.start);
        self.here[first..].iter().take_while(move |(place, _)| place.start < end).map(|(_, severity)| *severity)
    }
}

impl Count {
    fn add(&mut self, severities: impl Iterator<Item = Severity>) {
        for severity in severities {
            match severity {
                Severity::Error => self.errors += 1,
                Severity::Warning => self.warnings += 1,
            }
        }
    }
}
