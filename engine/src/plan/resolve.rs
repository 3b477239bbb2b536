//! Where the inputs of a node come from once everything that is included has been merged.

use super::Origin;
use super::compose::{Composer, Spot};
use crate::check::{self, Fit};
use crate::graph::Link;
use crate::guard;
use crate::value::{Kind, List, Value};

/// Lists that are handed from workflow to workflow may hold this many feeds in all: lists of lists grow fast.
const MAX_LISTED: usize = 1 << 20;

/// What feeds something.
#[derive(Clone)]
pub(super) enum Resolved {
    /// Nothing.
    Nothing,
    /// What fed it is muted.
    Gone,
    /// This, in that kind.
    Given(Origin, Kind),
    /// An input of the workflow that nobody gave a value.
    Missing { input: usize },
    /// Something wrong; it needs these nodes.
    Broken(Vec<u32>),
}

impl Resolved {
    pub(super) fn known(value: Value) -> Self {
        let kind = value.kind();
        Resolved::Given(Origin::Known(value), kind)
    }

    /// The nodes that it needs.
    pub(super) fn needs(&self) -> Vec<u32> {
        match self {
            Resolved::Given(origin, _) => {
                let mut needs = Vec::new();
                origin.each_wire(&mut |node, _| needs.push(node as u32));
                needs
            }
            Resolved::Broken(needs) => needs.clone(),
            Resolved::Nothing | Resolved::Gone | Resolved::Missing { .. } => Vec::new(),
        }
    }
}

/// Something that does not get where it should.
pub(super) struct Trouble {
    /// The input of the workflow that it came through.
    pub(super) input: Option<usize>,
    pub(super) message: String,
}

impl Composer<'_> {
    /// What a link means in a scope. `Link::Default` is the caller's business.
    pub(super) fn resolve(&mut self, scope: usize, link: &Link, troubles: &mut Vec<Trouble>) -> Resolved {
        match link {
            Link::Absent | Link::Default => Resolved::Nothing,
            Link::Known(value) => Resolved::known(value.clone()),
            Link::Broken { node } => {
                Resolved::Broken(node.map(|node| self.spot_needs(scope, node as usize)).unwrap_or_default())
            }
            Link::Input { input, fit } => {
                let input = *input as usize;
                let given = self.copied(&self.scopes[scope].inputs[input].resolved);
                self.handed_on(given, fit, Some(input), troubles)
            }
            Link::Wire { node, output, fit } => match &self.scopes[scope].spots[*node as usize] {
                Spot::Node(draft) => {
                    let kind = self.output_kind(self.scopes[scope].module, *node as usize, *output as usize);
                    match kind {
                        Some(kind) => {
                            let (step, output) = (*draft as usize, *output as usize);
                            let arrives = fit.kind(kind);
                            Resolved::Given(Origin::Wire { step, output, fit: fit.clone() }, arrives)
                        }
                        None => Resolved::Broken(vec![*draft]),
                    }
                }
                Spot::Outputs(table) => {
                    let given = self.copied(&self.outputs[*table as usize][*output as usize]);
                    self.handed_on(given, fit, None, troubles)
                }
                Spot::Gone => Resolved::Gone,
                Spot::Nowhere => Resolved::Broken(Vec::new()),
            },
            Link::List { element, items } => self.list(scope, *element, items, troubles),
        }
    }

    /// A copy, unless there are too many of it already; with how much it adds to them.
    fn copied(&self, given: &Resolved) -> Option<(Resolved, usize)> {
        let size = match given {
            Resolved::Given(list @ Origin::List { .. }, _) => weight(list, MAX_LISTED),
            _ => 0,
        };
        (self.listed.saturating_add(size) <= MAX_LISTED).then(|| (given.clone(), size))
    }

    fn handed_on(
        &mut self,
        given: Option<(Resolved, usize)>,
        fit: &Fit,
        input: Option<usize>,
        troubles: &mut Vec<Trouble>,
    ) -> Resolved {
        match given {
            Some((given, size)) => {
                self.listed += size;
                self.fitted(given, fit, input, troubles)
            }
            None => {
                self.listed = usize::MAX;
                troubles.push(Trouble { input, message: too_many() });
                Resolved::Broken(Vec::new())
            }
        }
    }

    fn spot_needs(&self, scope: usize, node: usize) -> Vec<u32> {
        match &self.scopes[scope].spots[node] {
            Spot::Node(draft) => vec![*draft],
            Spot::Outputs(table) => self.outputs[*table as usize].iter().flat_map(Resolved::needs).collect(),
            Spot::Gone | Spot::Nowhere => Vec::new(),
        }
    }

    fn list(&mut self, scope: usize, element: Kind, items: &[Link], troubles: &mut Vec<Trouble>) -> Resolved {
        let mut origins = Vec::with_capacity(items.len());
        let (mut needs, mut is_broken) = (Vec::new(), false);
        let mut missing = None;
        for item in items {
            let resolved = self.resolve(scope, item, troubles);
            needs.extend(resolved.needs());
            match resolved {
                Resolved::Given(origin, _) => origins.push(origin),
                // A list goes without what is muted.
                Resolved::Nothing | Resolved::Gone => {}
                Resolved::Missing { input } => missing = missing.or(Some(input)),
                Resolved::Broken(_) => is_broken = true,
            }
        }
        if is_broken {
            return Resolved::Broken(needs);
        }
        if let Some(input) = missing {
            return Resolved::Missing { input };
        }
        // Values that are known are shared, but whoever goes through nested lists of them meets each again and again.
        if element.element().is_some() {
            let size: usize = origins.iter().map(|origin| weight(origin, MAX_LISTED)).sum();
            if size > MAX_LISTED {
                troubles.push(Trouble { input: None, message: too_many() });
                return Resolved::Broken(needs);
            }
        }
        Resolved::Given(folded(element, origins), element.list())
    }

    /// The same in another kind. A value that is known is converted now.
    fn fitted(&mut self, given: Resolved, fit: &Fit, input: Option<usize>, troubles: &mut Vec<Trouble>) -> Resolved {
        let Resolved::Given(origin, kind) = given else { return given };
        if matches!(fit, Fit::Same) {
            return Resolved::Given(origin, kind);
        }
        let arrives = fit.kind(kind);
        let origin = match origin {
            Origin::Known(value) => {
                let converted =
                    guard::catch(|| fit.apply(&value)).and_then(|value| value.map_err(|error| error.to_string()));
                match converted {
                    Ok(value) => Origin::Known(value),
                    Err(message) => {
                        let message = check::Problem::conversion(&message).message;
                        troubles.push(Trouble { input, message });
                        return Resolved::Broken(Vec::new());
                    }
                }
            }
            Origin::Wire { step, output, fit: first } => Origin::Wire { step, output, fit: first.then(fit) },
            Origin::Param { param, fit: first } => Origin::Param { param, fit: first.then(fit) },
            list @ Origin::List { .. } => match fitted_list(list, fit) {
                Ok(origin) => origin,
                Err(list) => {
                    let message = format!("a list that is put together here cannot be converted to {arrives}");
                    troubles.push(Trouble { input, message });
                    let mut needs = Vec::new();
                    list.each_wire(&mut |node, _| needs.push(node as u32));
                    return Resolved::Broken(needs);
                }
            },
        };
        Resolved::Given(origin, arrives)
    }
}

fn too_many() -> String {
    format!("the lists that are handed from workflow to workflow come to more than {MAX_LISTED} feeds")
}

/// A list of origins in another kind, if that can be had by changing its elements.
fn fitted_list(list: Origin, fit: &Fit) -> Result<Origin, Origin> {
    match (list, fit) {
        (list, Fit::Same) => Ok(list),
        (Origin::List { element, items }, Fit::OneToList) => {
            Ok(Origin::List { element: element.list(), items: vec![Origin::List { element, items }] })
        }
        (Origin::List { element, items }, Fit::IntegerToFloat) => {
            let element = Fit::IntegerToFloat.kind(element);
            let each = |item| match item {
                Origin::Known(value) => {
                    Fit::IntegerToFloat.apply(&value).map(Origin::Known).unwrap_or(Origin::Known(value))
                }
                Origin::Wire { step, output, fit: first } => Origin::Wire { step, output, fit: first.then(fit) },
                Origin::Param { param, fit: first } => Origin::Param { param, fit: first.then(fit) },
                list => fitted_list(list, fit).unwrap_or_else(|list| list),
            };
            Ok(Origin::List { element, items: items.into_iter().map(each).collect() })
        }
        (list, Fit::Chain(fits)) => fits.iter().try_fold(list, fitted_list),
        (list, Fit::Converted(..)) => Err(list),
        (other, _) => Err(other),
    }
}

/// A list of which everything is known is known itself.
fn folded(element: Kind, origins: Vec<Origin>) -> Origin {
    let value = |origin: &Origin| match origin {
        Origin::Known(value) => Some(value.clone()),
        _ => None,
    };
    match origins.iter().map(value).collect::<Option<Vec<_>>>() {
        Some(values) => match List::new(element, values) {
            Some(list) => Origin::Known(list.into()),
            None => Origin::List { element, items: origins },
        },
        None => Origin::List { element, items: origins },
    }
}

/// How many things are in it, counted no further than `limit`.
fn weight(origin: &Origin, limit: usize) -> usize {
    fn of_value(value: &Value, limit: usize) -> usize {
        let Some(list) = value.list() else { return 1 };
        let mut sum = 1;
        for item in list.items() {
            sum += of_value(item, limit - sum.min(limit));
            if sum >= limit {
                break;
            }
        }
        sum
    }
    match origin {
        Origin::Known(value) => of_value(value, limit),
        Origin::Wire { .. } | Origin::Param { .. } => 1,
        Origin::List { items, .. } => {
            let mut sum = 1;
            for item in items {
                sum += weight(item, limit - sum.min(limit));
                if sum >= limit {
                    break;
                }
            }
            sum
        }
    }
}
