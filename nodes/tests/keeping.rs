//! Models from one run to the next: what is known of their files, and which weights stay loaded.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails there")]

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use easel_engine::{
    CancelToken, Context, EventSink, External, Fingerprint, Inputs, Node, Registry, Services, Surroundings, Value,
};
use easel_kernels::Device;
use easel_nodes::kinds::Tokens;
use easel_nodes::parts::Models;
use easel_nodes::weights::Hub;
use tempfile::TempDir;

/// More than the parts of the test's model take.
const PLENTY: u64 = 64 << 20;

/// A copy of a small model whose files have not changed for a while.
fn model() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let golden = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/golden/A/models/pipeline"));
    copy(golden, folder.path());
    folder
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let source = entry.unwrap().path();
        let target = to.join(source.file_name().unwrap());
        if source.is_dir() {
            copy(&source, &target);
        } else {
            write(&target, &fs::read(&source).unwrap(), 1000);
        }
    }
}

/// Writes a file that says of itself to be `age` seconds old.
fn write(path: &Path, content: &[u8], age: u64) {
    fs::write(path, content).unwrap();
    let file = File::options().write(true).open(path).unwrap();
    file.set_modified(SystemTime::now() - Duration::from_secs(age)).unwrap();
}

struct Stage {
    registry: Registry,
    services: Services,
}

impl Stage {
    fn keeping(bytes: u64) -> Self {
        Stage {
            registry: easel_nodes::registry().unwrap(),
            services: easel_nodes::services_keeping(Device::Cpu, bytes),
        }
    }

    fn node(&self, name: &str) -> &Arc<dyn Node> {
        self.registry.node(name).unwrap()
    }

    fn models(&self) -> &Models {
        self.services.get().unwrap()
    }

    fn external(&self, node: &str, inputs: &Inputs) -> External {
        let surroundings = Surroundings::new(Path::new("."), Path::new("out"), &self.services);
        self.node(node).external(inputs, &surroundings).unwrap()
    }

    fn content(&self, node: &str, inputs: &Inputs) -> Fingerprint {
        match self.external(node, inputs) {
            External::Content(fingerprint) => fingerprint,
            other => panic!("{node}: {other:?}"),
        }
    }

    /// The encoding of a text, as bytes.
    fn encode(&self, model: &Path) -> Vec<u8> {
        let (node, cancel, events) = ("node".into(), CancelToken::new(), EventSink::new());
        let mut context =
            Context::outside_a_run(&node, Path::new("."), Path::new("out"), &self.services, &cancel, &events);
        let outputs = self.node("ClipTextEncoder").run(&inputs(model), &mut context).unwrap();
        outputs.get("encoding").unwrap().encode()
    }
}

fn text(text: &str) -> Value {
    Value::new(text.to_string())
}

fn inputs(model: &Path) -> Inputs {
    let tokens = Tokens { ids: vec![1, 5, 9, 2], mask: vec![true; 4], batch: 1, length: 4 };
    Inputs::new([("model", text(model.to_str().unwrap())), ("tokens", Value::new(tokens)), ("part", text("prior"))])
}

fn weights(model: &Path) -> PathBuf {
    model.join("text_encoder/model.safetensors")
}

/// Other numbers in the same place.
fn change_weights(model: &Path) {
    let mut bytes = fs::read(weights(model)).unwrap();
    bytes.iter_mut().rev().take(4096).for_each(|byte| *byte = 0);
    write(&weights(model), &bytes, 500);
}

#[test]
fn a_second_run_loads_nothing() {
    let (stage, model) = (Stage::keeping(PLENTY), model());
    let first = stage.encode(model.path());
    assert_eq!(stage.models().parts_loaded(), 1);
    assert_eq!(stage.encode(model.path()), first);
    assert_eq!(stage.models().parts_loaded(), 1);
}

#[test]
fn without_a_budget_every_run_loads() {
    let (stage, model) = (Stage::keeping(0), model());
    assert_eq!(stage.encode(model.path()), stage.encode(model.path()));
    assert_eq!(stage.models().parts_loaded(), 2);
}

#[test]
fn weights_that_changed_are_loaded_again() {
    let (stage, model) = (Stage::keeping(PLENTY), model());
    let first = stage.encode(model.path());
    change_weights(model.path());
    let second = stage.encode(model.path());
    assert_ne!(second, first, "the new weights are used");
    assert_eq!(stage.models().parts_loaded(), 2);
    assert_eq!(Stage::keeping(0).encode(model.path()), second);
}

#[test]
fn weights_that_were_only_touched_are_loaded_again() {
    let (stage, model) = (Stage::keeping(PLENTY), model());
    let first = stage.encode(model.path());
    let content = fs::read(weights(model.path())).unwrap();
    write(&weights(model.path()), &content, 500);
    assert_eq!(stage.encode(model.path()), first);
    assert_eq!(stage.models().parts_loaded(), 2);
}

#[test]
fn a_node_depends_on_the_files_it_uses_and_on_no_others() {
    let (stage, model) = (Stage::keeping(0), model());
    let of = |node| stage.content(node, &inputs(model.path()));
    let before = [of("ClipTextEncoder"), of("Tokenizer"), of("Prior"), of("Decoder"), of("Upsampler"), of("Scheduler")];
    change_weights(model.path());
    let after = [of("ClipTextEncoder"), of("Tokenizer"), of("Prior"), of("Decoder"), of("Upsampler"), of("Scheduler")];
    assert_ne!(after[0], before[0]);
    assert_eq!(after[1..], before[1..]);
    let config = model.path().join("text_encoder/config.json");
    let json = fs::read_to_string(&config).unwrap().replacen('{', "{ ", 1);
    write(&config, json.as_bytes(), 500);
    assert_ne!(of("ClipTextEncoder"), after[0], "the configuration counts too");
}

#[test]
fn where_a_model_is_does_not_matter() {
    let (stage, one, other) = (Stage::keeping(0), model(), model());
    for node in ["Tokenizer", "ClipTextEncoder", "Prior", "Decoder", "Upsampler", "Scheduler"] {
        assert_eq!(stage.content(node, &inputs(one.path())), stage.content(node, &inputs(other.path())), "{node}");
    }
}

#[test]
fn asking_again_reads_nothing() {
    let (stage, model) = (Stage::keeping(0), model());
    let ask = || ["Prior", "Decoder", "Tokenizer"].map(|node| stage.content(node, &inputs(model.path())));
    let first = ask();
    let read = stage.models().hashes().files_read();
    assert_eq!(ask(), first);
    assert_eq!(stage.models().hashes().files_read(), read);
}

#[test]
fn the_model_in_the_program_is_known_by_its_content() {
    let stage = Stage::keeping(0);
    let of = |node| stage.content(node, &inputs(Path::new("builtin:emoji-unclip")));
    assert_eq!(of("Prior"), of("Prior"));
    assert_ne!(of("Prior"), of("Decoder"));
    assert_eq!(stage.models().hashes().files_read(), 0);
}

#[test]
fn a_model_that_must_be_fetched_first_is_unknowable_until_it_is_here() {
    let (cache, local) = (tempfile::tempdir().unwrap(), model());
    let hub = Hub::new(cache.path()).with_endpoint("http://127.0.0.1:1");
    let services = Services::default().with(Models::default().with_hub(hub));
    let stage = Stage { services, ..Stage::keeping(0) };
    let remote = inputs(Path::new("hf:owner/name"));
    assert_eq!(stage.external("Prior", &remote), External::Unknowable);
    let repository = cache.path().join("models--owner--name");
    fs::create_dir_all(repository.join("refs")).unwrap();
    fs::write(repository.join("refs/main"), "abc").unwrap();
    copy(local.path(), &repository.join("snapshots/abc"));
    assert_eq!(stage.content("Prior", &remote), stage.content("Prior", &inputs(local.path())));
}

#[test]
fn a_model_that_lacks_a_part_is_an_error_before_the_run() {
    let (stage, model) = (Stage::keeping(0), model());
    fs::remove_dir_all(model.path().join("prior")).unwrap();
    let surroundings = Surroundings::new(Path::new("."), Path::new("out"), &stage.services);
    let error = stage.node("Prior").external(&inputs(model.path()), &surroundings).unwrap_err().to_string();
    assert!(error.contains("no part"), "{error}");
}

#[test]
fn what_is_read_from_a_file_depends_on_its_content() {
    let (stage, folder) = (Stage::keeping(0), tempfile::tempdir().unwrap());
    let path = folder.path().join("picture.png");
    let inputs = Inputs::new([("path", text(path.to_str().unwrap()))]);
    write(&path, b"one", 100);
    let first = stage.content("LoadImage", &inputs);
    write(&path, b"two", 50);
    let second = stage.content("LoadImage", &inputs);
    assert_ne!(second, first);
    write(&path, b"one", 20);
    assert_eq!(stage.content("LoadImage", &inputs), first);
    assert_eq!(stage.content("LoadTensor", &inputs), first);
    fs::remove_file(&path).unwrap();
    let surroundings = Surroundings::new(Path::new("."), Path::new("out"), &stage.services);
    assert!(stage.node("LoadImage").external(&inputs, &surroundings).is_err());
}

#[test]
fn what_is_written_depends_on_the_output_folder() {
    let stage = Stage::keeping(0);
    let of = |out: &str| {
        let surroundings = Surroundings::new(Path::new("."), Path::new(out), &stage.services);
        stage.node("SaveImage").external(&Inputs::default(), &surroundings).unwrap()
    };
    assert_eq!(of("out"), of(std::env::current_dir().unwrap().join("out").to_str().unwrap()));
    assert_ne!(of("out"), of("elsewhere"));
}
