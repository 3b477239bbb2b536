//! The node types and kinds that a program knows.

use std::collections::HashSet;
use std::sync::Arc;

use indexmap::IndexMap;

use crate::check;
use crate::guard;
use crate::node::{Node, NodeError, Services};
use crate::spec::{InputSpec, NodeSpec, Presence};
use crate::value::{Data, DecodeError, Decoder, Kind, List, Value, kinds};

/// Makes a value of its encoded content.
type Decode = fn(&mut Decoder<'_>) -> Result<Value, DecodeError>;

/// Turns a value of one kind into one of another.
pub type Conversion = fn(&Value) -> Result<Value, NodeError>;

/// Says whether nodes can compute on the device of that name; if not, why, and what to do.
pub type DeviceCheck = fn(&str) -> Result<(), NodeError>;

/// A node type with its spec.
#[derive(Clone)]
pub(crate) struct Registered {
    pub(crate) spec: Arc<NodeSpec>,
    pub(crate) node: Arc<dyn Node>,
}

/// The node types that documents may name, and the conversions that wires may use.
///
/// ```
/// use easel_engine::{Context, Inputs, Node, NodeResult, NodeSpec, OutputSpec, Outputs, Registry, kinds};
///
/// struct Seven;
///
/// impl Node for Seven {
///     fn spec(&self) -> NodeSpec {
///         NodeSpec::new("Seven", "Gives seven.").output(OutputSpec::new("number", kinds::INTEGER, "7"))
///     }
///
///     fn run(&self, _: &Inputs, _: &mut Context<'_>) -> NodeResult {
///         Ok(Outputs::one("number", 7_i64))
///     }
/// }
///
/// let mut registry = Registry::new();
/// registry.register(Seven)?;
/// assert_eq!(registry.spec("Seven").map(|spec| spec.outputs.len()), Some(1));
/// assert!(registry.register(Seven).is_err());
/// # Ok::<(), easel_engine::RegistryError>(())
/// ```
#[derive(Clone)]
pub struct Registry {
    pub(crate) nodes: IndexMap<&'static str, Registered>,
    pub(crate) conversions: IndexMap<(Kind, Kind), Conversion>,
    kinds: IndexMap<&'static str, Decode>,
    pub(crate) device_check: Option<DeviceCheck>,
    pub(crate) services: Services,
}

/// Why a registry does not take something.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RegistryError {
    /// There is a node type of that name.
    #[error("there are two node types `{name}`")]
    DuplicateNode {
        /// The name.
        name: &'static str,
    },
    /// A spec contradicts itself.
    #[error("the spec of node type `{node}` is not sound: {reason}")]
    Unsound {
        /// The node type.
        node: &'static str,
        /// What is wrong.
        reason: String,
    },
    /// There is a conversion between these kinds.
    #[error("there are two conversions from {from} to {to}")]
    DuplicateConversion {
        /// The kind that is given.
        from: Kind,
        /// The kind that is wanted.
        to: Kind,
    },
    /// The engine converts these itself, or there is nothing to convert.
    #[error("a conversion from {from} to {to} would never be used")]
    UselessConversion {
        /// The kind that is given.
        from: Kind,
        /// The kind that is wanted.
        to: Kind,
    },
}

impl Registry {
    /// Knows no nodes, and the kinds that documents can write.
    pub fn new() -> Self {
        let mut registry = Registry {
            nodes: IndexMap::new(),
            conversions: IndexMap::new(),
            kinds: IndexMap::new(),
            device_check: None,
            services: Services::default(),
        };
        registry.register_kind::<String>();
        registry.register_kind::<i64>();
        registry.register_kind::<f64>();
        registry.register_kind::<bool>();
        registry
    }

    /// Makes a kind known: values of it, and lists of them, can be kept on disk, and documents can name it. Nodes may
    /// give values of other kinds too; those live only as long as the process.
    pub fn register_kind<T: Data>(&mut self) {
        self.kinds.insert(T::KIND.base(), |decoder| T::decode(decoder).map(Value::new));
    }

    /// The kind of that name, if it is known: `Text`, `ImageList`.
    pub fn kind(&self, name: &str) -> Option<Kind> {
        let mut depth = 0_u8;
        let mut base = name;
        loop {
            if let Some((&known, _)) = self.kinds.get_key_value(base) {
                return Some((0..depth).fold(Kind::new(known), |kind, _| kind.list()));
            }
            base = base.strip_suffix("List")?;
            depth = depth.checked_add(1)?;
        }
    }

    /// The kinds that are known, without those of lists.
    pub fn kinds(&self) -> impl ExactSizeIterator<Item = Kind> {
        self.kinds.keys().map(|name| Kind::new(name))
    }

    /// Whether values of a kind can be made of bytes again.
    pub fn can_decode(&self, kind: Kind) -> bool {
        self.kinds.contains_key(kind.base())
    }

    /// The value of that kind whose content [`Value::encode`] wrote.
    ///
    /// # Errors
    /// The kind is not known, or the bytes are not what it writes.
    ///
    /// ```
    /// use easel_engine::{Registry, Value};
    ///
    /// let value = Value::texts(["a", "b"]);
    /// let back = Registry::new().decode(value.kind(), &value.encode())?;
    /// assert_eq!(back, value);
    /// # Ok::<(), easel_engine::DecodeError>(())
    /// ```
    pub fn decode(&self, kind: Kind, bytes: &[u8]) -> Result<Value, DecodeError> {
        self.decode_within(kind, bytes, &mut Elements::at_most(usize::MAX))
    }

    /// The same for bytes that somebody else made up, who may have no more elements in lists than these in all.
    pub(crate) fn decode_within(
        &self,
        kind: Kind,
        bytes: &[u8],
        elements: &mut Elements,
    ) -> Result<Value, DecodeError> {
        let decode = self
            .kinds
            .get(kind.base())
            .ok_or_else(|| DecodeError::new(format!("the kind {kind} is not known to this program")))?;
        let mut decoder = Decoder::new(bytes);
        let value = decode_at(kind, *decode, &mut decoder, elements)?;
        decoder.finish()?;
        Ok(value)
    }

    /// Adds a node type.
    pub fn register(&mut self, node: impl Node + 'static) -> Result<(), RegistryError> {
        let spec = node.spec();
        let name = spec.name;
        if self.nodes.contains_key(name) {
            return Err(RegistryError::DuplicateNode { name });
        }
        validate(&spec).map_err(|reason| RegistryError::Unsound { node: name, reason })?;
        self.nodes.insert(name, Registered { spec: Arc::new(spec), node: Arc::new(node) });
        Ok(())
    }

    /// Adds a conversion. Wires use it where the kinds do not fit otherwise.
    pub fn register_conversion(&mut self, from: Kind, to: Kind, convert: Conversion) -> Result<(), RegistryError> {
        if from == to || from.list() == to || (from, to) == (kinds::INTEGER, kinds::FLOAT) {
            return Err(RegistryError::UselessConversion { from, to });
        }
        if self.conversions.contains_key(&(from, to)) {
            return Err(RegistryError::DuplicateConversion { from, to });
        }
        self.conversions.insert((from, to), convert);
        Ok(())
    }

    /// Holds the devices that workflows choose for nodes against this, before anything runs. Without it, any name will do.
    pub fn check_devices(&mut self, check: DeviceCheck) {
        self.device_check = Some(check);
    }

    /// The services that runs will have, for nodes that are asked before them.
    pub fn set_services(&mut self, services: Services) {
        self.services = services;
    }

    /// The spec of a node type.
    pub fn spec(&self, name: &str) -> Option<&NodeSpec> {
        self.nodes.get(name).map(|registered| &*registered.spec)
    }

    /// The node type of that name.
    pub fn node(&self, name: &str) -> Option<&Arc<dyn Node>> {
        self.nodes.get(name).map(|registered| &registered.node)
    }

    /// The specs of all node types, in the order in which they were registered.
    pub fn specs(&self) -> impl ExactSizeIterator<Item = &NodeSpec> + Clone {
        self.nodes.values().map(|registered| &*registered.spec)
    }

    /// The conversion between two kinds.
    pub fn conversion(&self, from: Kind, to: Kind) -> Option<Conversion> {
        self.conversions.get(&(from, to)).copied()
    }
}

/// How many elements there may be in lists that are decoded: each takes many times as much memory as it has bytes.
pub(crate) struct Elements {
    allowed: usize,
    found: usize,
}

impl Elements {
    pub(crate) fn at_most(allowed: usize) -> Self {
        Elements { allowed, found: 0 }
    }

    fn one_more(&mut self) -> Result<(), DecodeError> {
        if self.found == self.allowed {
            return Err(DecodeError::new(format!("lists may have {} elements in all, there are more", self.allowed)));
        }
        self.found += 1;
        Ok(())
    }
}

/// Lists are as deep as their kind says, which bounds the recursion.
fn decode_at(
    kind: Kind,
    decode: Decode,
    decoder: &mut Decoder<'_>,
    elements: &mut Elements,
) -> Result<Value, DecodeError> {
    let Some(element) = kind.element() else { return decode(decoder) };
    let count = decoder.size()?;
    // Not reserved beforehand: the count may be a lie.
    let mut items = Vec::new();
    for _ in 0..count {
        let mut inner = Decoder::new(decoder.bytes()?);
        elements.one_more()?;
        items.push(decode_at(element, decode, &mut inner, elements)?);
        inner.finish()?;
    }
    Ok(List::of_kind(element, items).into())
}

impl Default for Registry {
    fn default() -> Self {
        Self::new()
    }
}

/// Whether documents could name everything in a spec, and nothing in it contradicts the rest.
fn validate(spec: &NodeSpec) -> Result<(), String> {
    if !is_name(spec.name) {
        return Err(format!("{:?} is no name for a node type", spec.name));
    }
    if ["Input", "From", "Include", "Map", "Loop", "Workflow"].contains(&spec.name) {
        return Err("that name has a meaning of its own in documents".into());
    }
    let mut names = HashSet::new();
    for input in &spec.inputs {
        if !is_name(input.name) {
            return Err(format!("{:?} is no name for an input", input.name));
        }
        if !names.insert(input.name) {
            return Err(format!("there are two inputs `{}`", input.name));
        }
        if input.name == "options" {
            return Err("`options` is no name for an input: in documents it says how a node is run".into());
        }
        if let Some(name) = input.like.filter(|name| *name == input.name || spec.find_input(name).is_none()) {
            return Err(format!("input `{}` is to be like `{name}`, which is no other input", input.name));
        }
        validate_input(input).map_err(|reason| format!("input `{}`: {reason}", input.name))?;
    }
    names.clear();
    for output in &spec.outputs {
        if !is_name(output.name) {
            return Err(format!("{:?} is no name for an output", output.name));
        }
        if !names.insert(output.name) {
            return Err(format!("there are two outputs `{}`", output.name));
        }
    }
    Ok(())
}

fn validate_input(input: &InputSpec) -> Result<(), String> {
    if input.kinds.is_empty() {
        return Err("it takes no kind".into());
    }
    if let Some(range) = &input.range {
        if !input.kinds.iter().any(|kind| [kinds::INTEGER, kinds::FLOAT].contains(kind)) {
            return Err("it has a range, but takes no numbers".into());
        }
        if range.is_empty() {
            return Err(format!("no number is in its range {range:?}"));
        }
    }
    if !input.choices.is_empty() && !input.kinds.iter().any(|kind| [kinds::TEXT, kinds::TEXT_LIST].contains(kind)) {
        return Err("it has choices, but takes no texts".into());
    }
    let Presence::Default(value) = &input.presence else {
        return Ok(());
    };
    if !input.kinds.contains(&value.kind()) {
        return Err(format!("its default is {}, a kind that it does not take", value.kind()));
    }
    let checked = guard::catch(|| check::check(value, input.range.as_ref(), &input.choices));
    checked?.map_err(|problem| format!("its default {}", problem.message))
}

/// Letters, digits and `_`, not beginning with a digit: what RON takes as a name.
fn is_name(name: &str) -> bool {
    let mut chars = name.chars();
    chars.next().is_some_and(|c| c == '_' || c.is_alphabetic()) && chars.all(|c| c == '_' || c.is_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::node::{Context, Inputs, NodeResult, Outputs};
    use crate::spec::OutputSpec;

    struct Stub(NodeSpec);

    impl Node for Stub {
        fn spec(&self) -> NodeSpec {
            self.0.clone()
        }

        fn run(&self, _: &Inputs, _: &mut Context<'_>) -> NodeResult {
            Ok(Outputs::none())
        }
    }

    fn refusal(spec: NodeSpec) -> String {
        Registry::new().register(Stub(spec)).expect_err("not sound").to_string()
    }

    #[test]
    fn unsound_specs_are_refused() {
        let float = || InputSpec::new("x", kinds::FLOAT, "");
        let with = |input: InputSpec| NodeSpec::new("A", "").input(input);
        let mut kindless = float();
        kindless.kinds.clear();
        let cases = [
            (with(float()).input(float()), "two inputs `x`"),
            (with(float().default(2_i64)), "its default is Integer"),
            (with(float().range(0.0..=1.0).default(2.0)), "its default is 2.0, but should be 0 to 1"),
            (with(float().range(0.0..=f64::NAN)), "no number is in its range"),
            (with(float().choices(&["a"])), "choices, but takes no texts"),
            (with(InputSpec::new("x", kinds::TEXT, "").range(0.0..=1.0)), "range, but takes no numbers"),
            (
                with(InputSpec::new("x", kinds::TEXT, "").choices(&["a"]).default("b".to_string())),
                "none of its choices",
            ),
            (with(kindless), "takes no kind"),
            (with(InputSpec::new("options", kinds::TEXT, "")), "`options` is no name for an input"),
            (with(float().like("y")), "input `x` is to be like `y`, which is no other input"),
            (with(float().like("x")), "which is no other input"),
            (with(InputSpec::new("a b", kinds::TEXT, "")), "no name for an input"),
            (NodeSpec::new("", ""), "no name for a node type"),
            (NodeSpec::new("From", ""), "a meaning of its own"),
            (
                NodeSpec::new("A", "").output(OutputSpec::new("o", kinds::TEXT, "")).output(OutputSpec::new(
                    "o",
                    kinds::TEXT,
                    "",
                )),
                "two outputs `o`",
            ),
        ];
        for (spec, reason) in cases {
            let message = refusal(spec);
            assert!(message.contains(reason), "{message} / {reason}");
        }
    }

    #[test]
    fn conversions_are_unique_and_of_use() {
        fn convert(value: &Value) -> Result<Value, NodeError> {
            Ok(value.clone())
        }
        let mut registry = Registry::new();
        let (from, to) = (Kind::new("A"), Kind::new("B"));
        assert_eq!(registry.register_conversion(from, to, convert), Ok(()));
        assert_eq!(
            registry.register_conversion(from, to, convert),
            Err(RegistryError::DuplicateConversion { from, to })
        );
        let useless = registry.register_conversion(kinds::INTEGER, kinds::FLOAT, convert);
        assert!(matches!(useless, Err(RegistryError::UselessConversion { .. })));
        assert!(matches!(
            registry.register_conversion(from, from, convert),
            Err(RegistryError::UselessConversion { .. })
        ));
    }
}
