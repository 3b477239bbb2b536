//! The engine: reads workflow documents, checks them, plans them and runs them.
//!
//! It knows documents, graphs, plans, runs and events. It knows no tensor, no model, no device and no terminal: nodes
//! come from a [`Registry`] that the caller fills, and what happens in a run leaves as [`Event`]s.
//!
//! Data goes one way: [`Source`] → [`Document`] → [`Graph`] → [`Plan`] → [`Run`].
//!
//! ```
//! use easel_engine::{
//!     CancelToken, Context, EventSink, InputSpec, Inputs, Node, NodeResult, NodeSpec, OutputSpec, Outputs, Plan,
//!     Registry, Run, Services, Settings, Source, kinds,
//! };
//!
//! struct Double;
//!
//! impl Node for Double {
//!     fn spec(&self) -> NodeSpec {
//!         NodeSpec::new("Double", "Doubles a number.")
//!             .input(InputSpec::new("number", kinds::INTEGER, "what to double"))
//!             .output(OutputSpec::new("number", kinds::INTEGER, "twice that"))
//!     }
//!
//!     fn run(&self, inputs: &Inputs, _: &mut Context<'_>) -> NodeResult {
//!         Ok(Outputs::one("number", inputs.get::<i64>("number")? * 2))
//!     }
//! }
//!
//! let mut registry = Registry::new();
//! registry.register(Double)?;
//! let source = Source::new(
//!     "example",
//!     r#"Workflow(version: 1, nodes: { "a": Double(number: 3), "b": Double(number: From("a")) })"#,
//! );
//! let (plan, warnings) = Plan::prepare(&source, &registry, &Settings::default()).expect("the workflow is sound");
//! assert!(warnings.is_empty());
//! let report = Run::new(plan, Services::default(), EventSink::new(), CancelToken::new()).execute();
//! assert_eq!(report.outputs["b"].get("number").and_then(|value| value.get::<i64>()), Some(&12));
//! # Ok::<(), easel_engine::RegistryError>(())
//! ```

mod cache;
mod cancel;
mod check;
mod diagnostic;
mod document;
pub mod edit;
mod event;
mod graph;
mod guard;
mod journal;
mod library;
mod node;
mod plan;
mod plugin;
mod registry;
mod run;
mod size;
mod source;
mod spec;
mod suggest;
mod sync;
mod value;

#[doc(hidden)]
pub use cache::probe as cache_probe;
pub use cache::{
    Cache, CacheProblem, CacheStats, Cleared, Damage, DamagedPart, DiskSettings, DiskStats, MemoryPolicy, MemoryStats,
    NodeTypeStats, VerifyReport,
};
pub use cancel::CancelToken;
pub use diagnostic::{Diagnostic, Label, Replacement, Severity};
pub use document::{
    Call, Document, FORMAT_VERSIONS, Feed, Form, GROUP_COLOURS, Literal, LiteralList, LocalWorkflow, NodeEntry,
    NodeGroup, NodeInput, Options, Ragged, Spanned, Workflow, WorkflowInput, WorkflowOutput,
};
pub use event::{Event, EventSink, Outcome, OutputSummary, PlannedNode, RunId, Seat};
pub use graph::{Fragment, FragmentFeed, FragmentNode, Graph, Part, Wire};
#[doc(hidden)]
pub use journal::probe as journal_probe;
pub use journal::{
    ArtifactRecord, Cancelled, Claim, Clock, EventRecord, Extent, Job, JobOptions, Journal, JournalError, NodeCounts,
    NodeRecord, NodeState, Place, Recorder, Retention, RunPage, RunQuery, RunState, RunStory, RunSummary, SweepPart,
    SweepValue, WhenStopped,
};
pub use library::{Disk, Library, Texts};
pub use node::{
    Context, DeviceNeed, External, InputProblem, Inputs, Literals, MemoryNeed, Node, NodeError, NodeResult, Outputs,
    Provenance, Services, Surroundings,
};
pub use plan::{EffectiveInput, Plan, Settings};
#[doc(hidden)]
pub use plugin::probe as plugin_probe;
pub use plugin::{PluginError, PluginFile, PluginSet, Plugins};
pub use registry::{Conversion, DeviceCheck, Registry, RegistryError};
#[doc(hidden)]
pub use run::crew as crew_probe;
pub use run::{Failure, InUse, Resources, Run, RunReport, Skipped};
pub use source::{Position, Source};
pub use spec::{Derived, InputSpec, Lanes, NodeSpec, OutputSpec, Presence};
pub use value::{Data, DecodeError, Decoder, Encoder, Fingerprint, FingerprintHasher, Kind, List, Value, kinds};
