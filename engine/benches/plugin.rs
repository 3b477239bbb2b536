//! What a plugin costs: loading it, a call that does next to nothing, calls that compute, and stopping one.
//!
//! `cargo bench -p easel-engine --bench plugin`

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use easel_engine::{
    CancelToken, Context, Data, DecodeError, Decoder, Encoder, EventSink, Inputs, Kind, Node, Plugins, Registry,
    Services, Value,
};

const ATTEMPTS: usize = 31;

/// Pictures as they are encoded: the engine knows no others.
struct Image(Vec<u8>);

impl Data for Image {
    const KIND: Kind = Kind::new("Image");

    fn summary(&self) -> String {
        format!("{} bytes", self.0.len())
    }

    fn encode(&self, encoder: &mut Encoder<'_>) {
        encoder.raw(&self.0);
    }

    fn decode(decoder: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        Ok(Image(decoder.raw(decoder.remaining())?.to_vec()))
    }
}

/// Grey pictures.
fn picture(side: u64) -> Value {
    let mut bytes: Vec<u8> = [0, 4, 1, side, side, 3, side * side * 12].iter().flat_map(|n| n.to_le_bytes()).collect();
    bytes.resize(bytes.len() + (side * side * 12) as usize, 0);
    Value::new(Image(bytes))
}

/// What the tiny plugin says that it is.
const DESCRIPTION: &str = r#"(nodes: [
    (name: "Same", about: "", inputs: [(name: "x", about: "", kinds: ["Text"])],
     outputs: [(name: "x", about: "", kind: "Text")]),
    (name: "Endless", about: "", outputs: [(name: "x", about: "", kind: "Text")]),
])"#;

/// A plugin of which one node type gives a text back, as its tests explain, and another one never ends.
fn tiny_module() -> String {
    let description: String = DESCRIPTION.bytes().map(|byte| format!("\\{byte:02x}")).collect();
    format!(
        r#"(module
            (memory (export "memory") 2)
            (data (i32.const 0) "{description}")
            (func (export "easel_abi_version") (result i32) i32.const 1)
            (func (export "easel_describe") (result i64) i64.const {})
            (func (export "easel_alloc") (param i32) (result i32) i32.const 65536)
            (func (export "easel_run") (param $node i32) (param $inputs i32) (param $length i32) (result i64)
                (local $reply i32)
                (if (local.get $node) (then (loop $again (br $again))))
                (local.set $reply (i32.add (local.get $inputs) (local.get $length)))
                (i64.store offset=8 (local.get $reply) (i64.const 1))
                (i64.store offset=16 (local.get $reply) (i64.const 1))
                (i32.store8 offset=24 (local.get $reply) (i32.const 120))
                (memory.copy
                    (i32.add (local.get $reply) (i32.const 33))
                    (i32.add (local.get $inputs) (i32.const 29))
                    (i32.sub (local.get $length) (i32.const 29)))
                (i64.or
                    (i64.shl (i64.extend_i32_u (local.get $reply)) (i64.const 32))
                    (i64.extend_i32_u (i32.add (local.get $length) (i32.const 4)))))
        )"#,
        DESCRIPTION.len()
    )
}

/// Fastest, middle, slowest.
fn tell(what: &str, mut times: Vec<Duration>) {
    times.sort();
    let at = |place: usize| times.get(place).map_or(f64::NAN, |time| time.as_secs_f64() * 1e6);
    println!("{what}: {:.1}, {:.1}, {:.1} µs", at(0), at(times.len() / 2), at(times.len() - 1));
}

/// For how long this thread computed, where the system tells: other programs do not count. Else for how long it was there.
fn clock(began: Instant) -> Duration {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanoseconds = told.and_then(|told| told.split(' ').next()?.parse().ok());
    nanoseconds.map_or_else(|| began.elapsed(), Duration::from_nanos)
}

/// How long one of `times` calls of `f` takes, each time.
fn measure<T>(times: u32, mut f: impl FnMut() -> T) -> Vec<Duration> {
    let attempt = |_| {
        let began = Instant::now();
        let before = clock(began);
        (0..times).for_each(|_| drop(f()));
        clock(began).saturating_sub(before) / times
    };
    (0..ATTEMPTS).map(attempt).collect()
}

fn call(node: &dyn Node, inputs: &Inputs, cancel: &CancelToken) -> bool {
    let (name, services, events): (Arc<str>, _, _) = ("node".into(), Services::default(), EventSink::new());
    let (here, out) = (Path::new("."), Path::new("."));
    node.run(inputs, &mut Context::outside_a_run(&name, here, out, &services, cancel, &events)).is_ok()
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("../workflows/plugins");
    let (tiny, picture_plugin) = (tempfile::tempdir()?, tempfile::tempdir()?);
    std::fs::write(tiny.path().join("tiny.wasm"), wat::parse_str(tiny_module())?)?;
    std::fs::copy(shipped.join("pictures.wasm"), picture_plugin.path().join("pictures.wasm"))?;
    let mut kinds = Registry::new();
    kinds.register_kind::<Image>();
    let load = |folder: &Path| Plugins::new(kinds.clone()).load(&[PathBuf::from(folder)]);
    for (what, folder) in [("a tiny plugin", tiny.path()), ("pictures.wasm", picture_plugin.path())] {
        tell(&format!("loading {what}"), measure(20, || load(folder)));
    }
    let plugins = Plugins::new(kinds.clone());
    let folders = [picture_plugin.path().to_path_buf()];
    tell("loading pictures.wasm when it is known", measure(1000, || plugins.load(&folders)));

    let (tiny, pictures) = (load(tiny.path()), load(picture_plugin.path()));
    if let Some(problem) = tiny.diagnostics().chain(pictures.diagnostics()).next() {
        return Err(problem.message.into());
    }
    let node = |registry: &Registry, name| registry.node(name).map(Arc::clone).ok_or("it is described");
    let cancel = CancelToken::new();
    let (same, text) = (node(&tiny.registry, "Same")?, Inputs::new([("x", Value::new("a text".to_string()))]));
    assert!(call(&*same, &text, &cancel), "it gives a text");
    tell("a call that does nothing", measure(10_000, || call(&*same, &text, &cancel)));
    let invert = node(&pictures.registry, "Invert")?;
    for (side, times) in [(128, 20), (1024, 1)] {
        let inputs = Inputs::new([("image", picture(side)), ("amount", Value::new(1.0))]);
        assert!(call(&*invert, &inputs, &cancel), "it inverts");
        tell(&format!("inverting {side} × {side}"), measure(times, || call(&*invert, &inputs, &cancel)));
    }
    let endless = node(&tiny.registry, "Endless")?;
    let stopped = (0..ATTEMPTS).map(|_| {
        let cancel = CancelToken::new();
        let (node, asked) = (Arc::clone(&endless), cancel.clone());
        let running = std::thread::spawn(move || (call(&*node, &Inputs::default(), &asked), Instant::now()));
        std::thread::sleep(Duration::from_millis(20));
        let began = Instant::now();
        cancel.cancel();
        running.join().map_or(Duration::MAX, |(_, ended)| ended.saturating_duration_since(began))
    });
    tell("stopping a call that never ends, until it has (as the clock goes)", stopped.collect());
    Ok(())
}
