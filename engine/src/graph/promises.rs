//! What a node promises beyond its single sockets: inputs that are of one kind, a device that there is.

use super::Place;
use super::build::Builder;
use crate::diagnostic::Diagnostic;
use crate::document::NodeEntry;
use crate::guard;
use crate::node::NodeError;
use crate::spec::NodeSpec;
use crate::value::{Kind, kinds};

impl Builder<'_, '_> {
    /// Inputs that must be of the same kind as others; `fed` is the kind of each, as far as it is known.
    pub(super) fn check_likeness(&mut self, index: usize, entry: &NodeEntry, spec: &NodeSpec, fed: &[Option<Kind>]) {
        let known = |at: usize| fed.get(at).copied().flatten().filter(|kind| *kind != kinds::ANY);
        for (at, input) in spec.inputs.iter().enumerate() {
            let model = input.like.and_then(|name| spec.inputs.iter().position(|other| other.name == name));
            let Some(((kind, wanted), model)) = model.and_then(|model| Some((known(at).zip(known(model))?, model)))
            else {
                continue;
            };
            if kind == wanted {
                continue;
            }
            let place = |name: &str| entry.inputs.iter().find(|input| input.name.value == name);
            let (Some(here), Some(there)) = (place(input.name), place(spec.inputs[model].name)) else { continue };
            let (name, other) = (input.name, spec.inputs[model].name);
            let message = format!("`{}.{name}` must be of the same kind as `{other}`, which is {wanted}", spec.name);
            let diagnostic = Diagnostic::error("kind-mismatch", message)
                .with_label(here.value.span.clone(), format!("this is {kind}"))
                .with_label(there.value.span.clone(), format!("this is {wanted}"))
                .with_hint("feed both with values of one kind");
            self.report(Place::Node(index), diagnostic);
        }
    }

    /// The device that a node, or all nodes of an included workflow, are to compute on.
    pub(super) fn check_device(&mut self, index: usize, entry: &NodeEntry) {
        let device = entry.options.as_ref().and_then(|options| options.device.as_ref());
        let (Some(device), Some(check)) = (device, self.modules.registry.device_check) else { return };
        let checked = guard::catch(|| check(&device.value));
        let (message, hint) = match checked {
            Ok(Ok(()) | Err(NodeError::Cancelled)) => return,
            Ok(Err(NodeError::Failed { message, hint, .. })) => (message, hint),
            Err(panic) => (format!("looking for the device `{}` panicked: {panic}", device.value), None),
        };
        let diagnostic = Diagnostic::error("unusable-device", message)
            .with_label(device.span.clone(), "cannot be used")
            .with_hint_if(hint);
        self.report(Place::Node(index), diagnostic);
    }
}
