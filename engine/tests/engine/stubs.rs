//! Nodes without models, and short ways to use them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use easel_engine::{
    CancelToken, Context, Data, DecodeError, Decoder, Diagnostic, Document, Encoder, Event, EventSink, Graph,
    InputProblem, InputSpec, Inputs, Kind, Literals, Node, NodeError, NodeResult, NodeSpec, OutputSpec, Outputs, Plan,
    Registry, Run, RunReport, Services, Settings, Source, Value, kinds,
};

/// A node type that is made of a spec and two functions.
pub struct Stub {
    spec: NodeSpec,
    check: fn(&Literals<'_>) -> Vec<InputProblem>,
    run: fn(&Inputs, &mut Context<'_>) -> NodeResult,
}

impl Stub {
    fn new(spec: NodeSpec, run: fn(&Inputs, &mut Context<'_>) -> NodeResult) -> Self {
        Stub { spec, check: |_| Vec::new(), run }
    }

    fn check(mut self, check: fn(&Literals<'_>) -> Vec<InputProblem>) -> Self {
        self.check = check;
        self
    }
}

impl Node for Stub {
    fn spec(&self) -> NodeSpec {
        self.spec.clone()
    }

    fn check(&self, literals: &Literals<'_>) -> Vec<InputProblem> {
        (self.check)(literals)
    }

    fn run(&self, inputs: &Inputs, context: &mut Context<'_>) -> NodeResult {
        (self.run)(inputs, context)
    }
}

macro_rules! marker {
    ($name:ident) => {
        pub struct $name;

        impl Data for $name {
            const KIND: Kind = Kind::new(stringify!($name));

            fn summary(&self) -> String {
                stringify!($name).to_lowercase()
            }

            fn encode(&self, _: &mut Encoder<'_>) {}

            fn decode(_: &mut Decoder<'_>) -> Result<Self, DecodeError> {
                Ok($name)
            }
        }
    };
}

marker!(Tokens);
marker!(TextEncoding);
marker!(Embedding);
marker!(Celsius);
marker!(Fahrenheit);
marker!(Raw);
marker!(Cooked);
marker!(Burnt);

/// Counts how many of it live, and the most that ever did at once.
#[derive(Clone, Default)]
pub struct Census {
    alive: Arc<AtomicUsize>,
    most: Arc<AtomicUsize>,
}

impl Census {
    pub fn alive(&self) -> usize {
        self.alive.load(Ordering::SeqCst)
    }

    pub fn most(&self) -> usize {
        self.most.load(Ordering::SeqCst)
    }
}

/// A value that is counted.
pub struct Counted(Census);

impl Counted {
    fn new(census: &Census) -> Self {
        let alive = census.alive.fetch_add(1, Ordering::SeqCst) + 1;
        census.most.fetch_max(alive, Ordering::SeqCst);
        Counted(census.clone())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.alive.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Data for Counted {
    const KIND: Kind = Kind::new("Counted");

    fn summary(&self) -> String {
        "counted".into()
    }

    fn encode(&self, _: &mut Encoder<'_>) {}

    fn decode(_: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        Err(DecodeError::new("a counted value lives in its process only"))
    }
}

fn spec(name: &'static str) -> NodeSpec {
    NodeSpec::new(name, "A stub.")
}

fn required(name: &'static str, kind: Kind) -> InputSpec {
    InputSpec::new(name, kind, "something")
}

fn output(name: &'static str, kind: Kind) -> OutputSpec {
    OutputSpec::new(name, kind, "something")
}

/// Every stub.
pub fn registry() -> Registry {
    let mut registry = Registry::new();
    let stubs = numbers().into_iter().chain(models()).chain(troubles()).chain(counted());
    for stub in stubs {
        registry.register(stub).expect("the stubs are sound");
    }
    registry
        .register_conversion(Celsius::KIND, Fahrenheit::KIND, |_| Ok(Value::new(Fahrenheit)))
        .expect("the conversion is new");
    registry
        .register_conversion(Raw::KIND, Cooked::KIND, |_| Err(NodeError::new("the oven is cold").with_hint("heat it")))
        .expect("the conversion is new");
    registry.register_conversion(Raw::KIND, Burnt::KIND, |_| panic!("fire")).expect("the conversion is new");
    registry.register_kind::<Cooked>();
    registry.register_kind::<Burnt>();
    registry
}

fn numbers() -> Vec<Stub> {
    let text = |name| {
        Stub::new(spec(name).input(required("text", kinds::TEXT)).output(output("text", kinds::TEXT)), |inputs, _| {
            Ok(Outputs::one("text", inputs.get::<String>("text")?.clone()))
        })
    };
    vec![
        Stub::new(
            spec("Constant").input(required("value", kinds::FLOAT)).output(output("value", kinds::FLOAT)),
            |inputs, _| Ok(Outputs::one("value", *inputs.get::<f64>("value")?)),
        ),
        Stub::new(
            spec("Whole").input(required("value", kinds::INTEGER)).output(output("value", kinds::INTEGER)),
            |inputs, _| Ok(Outputs::one("value", *inputs.get::<i64>("value")?)),
        ),
        text("Word"),
        Stub::new(
            spec("Add")
                .input(required("a", kinds::FLOAT))
                .input(required("b", kinds::FLOAT))
                .output(output("sum", kinds::FLOAT)),
            |inputs, _| Ok(Outputs::one("sum", inputs.get::<f64>("a")? + inputs.get::<f64>("b")?)),
        ),
        Stub::new(
            spec("Split")
                .input(required("value", kinds::FLOAT))
                .output(output("whole", kinds::INTEGER))
                .output(output("rest", kinds::FLOAT)),
            |inputs, _| {
                let value = *inputs.get::<f64>("value")?;
                Ok(Outputs::none().with("whole", value.trunc() as i64).with("rest", value.fract()))
            },
        ),
        Stub::new(
            spec("Either").input(required("value", kinds::TEXT).or(kinds::INTEGER)).output(output("kind", kinds::TEXT)),
            |inputs, _| {
                Ok(Outputs::one("kind", inputs.value("value").map_or("none", |value| value.kind().base()).to_string()))
            },
        ),
        Stub::new(
            spec("Sample")
                .input(required("steps", kinds::INTEGER).range(1.0..=1000.0).default(20_i64))
                .input(required("scale", kinds::FLOAT).range(0.0..=20.0).default(4.0))
                .input(required("mode", kinds::TEXT).choices(&["fast", "good"]).default("good".to_string()))
                .input(required("fast", kinds::BOOLEAN).default(false))
                .input(required("words", kinds::TEXT_LIST).optional())
                .output(output("count", kinds::INTEGER)),
            |inputs, _| {
                let words = inputs.value("words").and_then(|words| words.list()).map_or(0, |words| words.items().len());
                Ok(Outputs::one("count", words as i64 + inputs.get::<i64>("steps")?))
            },
        ),
        Stub::new(
            spec("Save").effect().input(required("value", kinds::FLOAT).or(kinds::TEXT).or(Embedding::KIND)),
            |_, context| {
                let path = context.out_dir().join(context.node());
                context.artifact(path);
                Ok(Outputs::none())
            },
        ),
        Stub::new(spec("Nothing"), |_, _| Ok(Outputs::none())),
    ]
}

fn models() -> Vec<Stub> {
    vec![
        Stub::new(
            spec("Tokenizer").input(required("text", kinds::TEXT)).output(output("tokens", Tokens::KIND)),
            |_, _| Ok(Outputs::one("tokens", Tokens)),
        ),
        Stub::new(
            spec("ClipTextEncoder")
                .input(required("tokens", Tokens::KIND))
                .output(output("encoding", TextEncoding::KIND)),
            |_, _| Ok(Outputs::one("encoding", TextEncoding)),
        ),
        Stub::new(
            spec("Prior")
                .input(required("text", TextEncoding::KIND))
                .input(required("guidance_scale", kinds::FLOAT).range(0.0..=20.0).default(4.0))
                .output(output("embedding", Embedding::KIND)),
            |_, context| {
                context.note("seed", "7");
                Ok(Outputs::one("embedding", Embedding))
            },
        ),
        Stub::new(spec("Harvest").output(output("crop", Raw::KIND)), |_, _| Ok(Outputs::one("crop", Raw))),
        Stub::new(spec("Thermometer").output(output("reading", Celsius::KIND)), |_, _| {
            Ok(Outputs::one("reading", Celsius))
        }),
        Stub::new(
            spec("American").input(required("reading", Fahrenheit::KIND)).output(output("kind", kinds::TEXT)),
            |inputs, _| {
                inputs.get::<Fahrenheit>("reading")?;
                Ok(Outputs::one("kind", "Fahrenheit".to_string()))
            },
        ),
        Stub::new(
            spec("Note").input(required("after", kinds::TEXT).optional()).output(output("notes", kinds::TEXT)),
            |_, context| {
                let before: Vec<_> =
                    context.provenance().notes.keys().map(|(node, key)| format!("{node}.{key}")).collect();
                context.note("saw", before.join(" "));
                Ok(Outputs::one("notes", before.join(" ")))
            },
        ),
    ]
}

#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Layer(&'static str, #[source] Option<Box<Layer>>);

fn troubles() -> Vec<Stub> {
    let passes = |name| spec(name).input(required("value", kinds::FLOAT)).output(output("value", kinds::FLOAT));
    vec![
        Stub::new(passes("Fail"), |_, _| {
            let error = Layer("no weights", Some(Box::new(Layer("cannot read", Some(Box::new(Layer("gone", None)))))));
            Err(NodeError::from_error(error).with_hint("fetch them"))
        }),
        Stub::new(passes("Panic"), |inputs, _| panic!("the number {} is cursed", inputs.get::<f64>("value")?)),
        Stub::new(passes("Cancels"), |inputs, context| {
            context.progress(1, 2)?;
            context.service::<CancelToken>()?.cancel();
            context.progress(2, 2)?;
            Ok(Outputs::one("value", *inputs.get::<f64>("value")?))
        }),
        Stub::new(passes("CancelsLate"), |inputs, context| {
            context.service::<CancelToken>()?.cancel();
            Ok(Outputs::one("value", *inputs.get::<f64>("value")?))
        }),
        Stub::new(passes("GivesNothing"), |_, _| Ok(Outputs::none())),
        Stub::new(passes("GivesMore"), |_, _| Ok(Outputs::one("value", 1.0).with("extra", 2.0))),
        Stub::new(passes("GivesOther"), |_, _| Ok(Outputs::one("value", 1_i64))),
        Stub::new(passes("Even"), |inputs, _| Ok(Outputs::one("value", *inputs.get::<f64>("value")?))).check(
            |literals| {
                let odd = literals.get::<f64>("value").is_some_and(|value| value % 2.0 != 0.0);
                let message = "must be even".to_string();
                odd.then(|| InputProblem { input: "value", message, hint: Some("add one".into()) })
                    .into_iter()
                    .collect()
            },
        ),
        Stub::new(passes("PanicsInCheck"), |_, _| Ok(Outputs::none())).check(|_| panic!("oh no")),
    ]
}

fn counted() -> Vec<Stub> {
    vec![
        Stub::new(spec("Count").output(output("value", Counted::KIND)), |_, context| {
            Ok(Outputs::one("value", Counted::new(context.service::<Census>()?)))
        }),
        Stub::new(
            spec("Recount").input(required("value", Counted::KIND)).output(output("value", Counted::KIND)),
            |_, context| Ok(Outputs::one("value", Counted::new(context.service::<Census>()?))),
        ),
        Stub::new(spec("Discard").effect().input(required("value", Counted::KIND)), |_, _| Ok(Outputs::none())),
        Stub::new(
            spec("FailCounted").input(required("value", Counted::KIND)).output(output("value", Counted::KIND)),
            |_, _| Err(NodeError::new("no")),
        ),
    ]
}

/// A workflow with these nodes and one input of each kind.
pub fn workflow(nodes: &str) -> Source {
    let inputs =
        r#""prompt": Text(default: "a rocket"), "seed": Integer(default: 3, min: 0), "scale": Float(default: 2)"#;
    Source::new("test.ron", format!("Workflow(version: 1, inputs: {{ {inputs} }}, nodes: {{ {nodes} }})"))
}

/// Everything that is wrong with a text: code, the text under the first label, hint.
pub fn findings(source: &Source) -> Vec<(&'static str, String, String)> {
    let (document, mut diagnostics) = Document::parse(source);
    let (_, more) = Graph::build(&document, &registry());
    diagnostics.extend(more);
    diagnostics.into_iter().map(|diagnostic| finding(source, diagnostic)).collect()
}

/// Everything that is wrong with a plan.
pub fn plan_findings(source: &Source, settings: &Settings) -> Vec<(&'static str, String, String)> {
    let diagnostics = match Plan::prepare(source, &registry(), settings) {
        Ok((_, warnings)) => warnings,
        Err(diagnostics) => diagnostics,
    };
    let chosen = diagnostics.into_iter().filter(|diagnostic| diagnostic.code != "unused-input");
    chosen.map(|diagnostic| finding(source, diagnostic)).collect()
}

fn finding(source: &Source, diagnostic: Diagnostic) -> (&'static str, String, String) {
    let place = diagnostic.labels.first().map(|label| source.slice(&label.span).to_string());
    (diagnostic.code, place.unwrap_or_default(), diagnostic.hint.unwrap_or_default())
}

/// The plan of a workflow without errors.
pub fn plan(source: &Source, settings: &Settings) -> Plan {
    match Plan::prepare(source, &registry(), settings) {
        Ok((plan, _)) => plan,
        Err(diagnostics) => panic!("no plan: {diagnostics:#?}"),
    }
}

/// Runs a plan and collects its events.
pub fn run_with(plan: Plan, services: Services, cancel: CancelToken) -> (RunReport, Vec<Event>) {
    let mut events = EventSink::new();
    let listener = events.listen();
    let report = Run::new(plan, services, events, cancel).execute();
    (report, listener.try_iter().collect())
}

/// Plans and runs these nodes.
pub fn run(nodes: &str) -> (RunReport, Vec<Event>) {
    run_with(plan(&workflow(nodes), &Settings::default()), Services::default(), CancelToken::new())
}
