//! The hub: from its cache, without a network, and from a small hub of our own on this machine.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails there")]

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use easel_kernels::DType;
use easel_nodes::Error;
use easel_nodes::weights::hub::Repository;
use easel_nodes::weights::{Hub, ModelFolder, TensorSpec, write_random_part};
use sha2::{Digest, Sha256};

const COMMIT: &str = "0123456789012345678901234567890123456789";
const INDEX: &str = r#"{"_class_name": "X", "prior": ["diffusers", "PriorTransformer"], "none": [null, null],
                        "scheduler": ["diffusers", "UnCLIPScheduler"]}"#;

fn weights_bytes() -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("w");
    let spec = TensorSpec { name: "w".into(), shape: vec![1000, 10] };
    write_random_part(&path, &[spec], DType::F32, 0, &mut |_, _| {}).unwrap();
    fs::read(path).unwrap()
}

fn repository_files() -> BTreeMap<String, Vec<u8>> {
    let files = [
        ("model_index.json", INDEX.as_bytes().to_vec()),
        ("README.md", b"# not needed".to_vec()),
        ("prior/config.json", b"{}".to_vec()),
        ("prior/diffusion_pytorch_model.bin", b"not needed".to_vec()),
        ("prior/diffusion_pytorch_model.safetensors", weights_bytes()),
        ("scheduler/scheduler_config.json", b"{}".to_vec()),
    ];
    files.into_iter().map(|(name, bytes)| (name.to_owned(), bytes)).collect()
}

/// A repository in the layout of the cache.
fn fill_cache(cache: &Path, without: &str) {
    let folder = cache.join("models--owner--name");
    fs::create_dir_all(folder.join("refs")).unwrap();
    fs::write(folder.join("refs/main"), COMMIT).unwrap();
    for (name, bytes) in repository_files().into_iter().filter(|(name, _)| name != without) {
        let path = folder.join("snapshots").join(COMMIT).join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
}

fn open(hub: &Hub, source: &str) -> Result<ModelFolder, Error> {
    ModelFolder::open_with(source, Path::new("/"), hub, &mut |_| {})
}

#[test]
fn a_model_is_found_without_asking_the_network_if_the_cache_has_it_whole() {
    let cache = tempfile::tempdir().unwrap();
    // Nobody answers there; nothing asks.
    let hub = Hub::new(cache.path()).with_endpoint("http://127.0.0.1:1");
    let find = || ModelFolder::find("hf:owner/name", Path::new("/"), &hub).unwrap();
    assert!(find().is_none(), "nothing is there");
    fill_cache(cache.path(), "prior/config.json");
    assert!(find().is_none(), "a download was broken off");
    fill_cache(cache.path(), "");
    assert_eq!(find().unwrap().parts(), ["prior", "scheduler"]);
}

#[track_caller]
fn assert_says(error: &Error, words: &[&str]) {
    let all = format!("{error}\nhint: {}", error.hint().expect("every refusal says what to do"));
    for word in words {
        assert!(all.contains(word), "wanted {word:?} in: {all}");
    }
}

#[test]
fn a_cached_repository_needs_no_network() {
    let cache = tempfile::tempdir().unwrap();
    fill_cache(cache.path(), "");
    let hub = Hub::new(cache.path()).with_endpoint("http://127.0.0.1:9");
    for hub in [hub.clone(), hub.with_offline(true)] {
        for source in ["hf:owner/name", &format!("hf:owner/name@{COMMIT}")] {
            let model = open(&hub, source).unwrap();
            assert_eq!(model.parts(), ["prior", "scheduler"]);
            assert_eq!(model.weights("prior").unwrap().tensors().len(), 1);
            assert!(model.describe().starts_with(source));
        }
    }
}

#[test]
fn half_a_repository_in_the_cache_is_told_as_such() {
    for (without, told) in [
        ("prior/diffusion_pytorch_model.safetensors", ""),
        ("prior/config.json", "`prior/config.json`"),
        ("scheduler/scheduler_config.json", "`scheduler/`"),
        ("model_index.json", "`model_index.json`"),
    ] {
        let cache = tempfile::tempdir().unwrap();
        fill_cache(cache.path(), without);
        let hub = Hub::new(cache.path()).with_endpoint("http://127.0.0.1:9").with_offline(true);
        match open(&hub, "hf:owner/name") {
            // Its weights are there in a format that is refused with more to say than that something is missing.
            Ok(model) => assert_says(&model.weights("prior").unwrap_err(), &["diffusion_pytorch_model.bin", "convert"]),
            Err(error) => assert_says(&error, &["owner/name", "HF_HUB_OFFLINE", told]),
        }
    }
}

#[test]
fn without_a_network_the_way_out_is_named_soon() {
    let cache = tempfile::tempdir().unwrap();
    let started = Instant::now();
    let hub = Hub::new(cache.path()).with_patience(Duration::from_secs(2));
    let words = ["`owner/name`", "cannot reach http", "--set model=/path/to/folder", "models--owner--name"];
    // Nobody listens on the first; the second never answers.
    assert_says(&open(&hub.clone().with_endpoint("http://127.0.0.1:9"), "hf:owner/name").unwrap_err(), &words);
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", silent.local_addr().unwrap());
    assert_says(&open(&hub.clone().with_endpoint(address), "hf:owner/name").unwrap_err(), &words);
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
    assert_says(&open(&hub.with_offline(true), "hf:owner/name").unwrap_err(), &["HF_HUB_OFFLINE", "owner/name"]);
}

/// The three requests of the hub that a download makes. `tamper` changes a file's content after its hash was told.
struct SmallHub {
    address: String,
    requests: Arc<Mutex<Vec<String>>>,
}

impl SmallHub {
    fn start(files: BTreeMap<String, Vec<u8>>, tamper: fn(&str, Vec<u8>) -> Vec<u8>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&requests);
        // Ends with the test's process.
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                // A client that hangs up early is its own affair.
                let _ = answer(stream, &files, tamper, &log);
            }
        });
        SmallHub { address, requests }
    }

    fn requested(&self, part: &str) -> bool {
        self.requests.lock().unwrap().iter().any(|line| line.contains(part))
    }
}

fn answer(
    mut stream: TcpStream,
    files: &BTreeMap<String, Vec<u8>>,
    tamper: fn(&str, Vec<u8>) -> Vec<u8>,
    log: &Mutex<Vec<String>>,
) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let request = lines.next().unwrap_or_else(|| Ok(String::new()))?;
    let mut range = String::new();
    for line in lines.map_while(Result::ok).take_while(|line| !line.is_empty()) {
        if let Some(value) = line.to_lowercase().strip_prefix("range: bytes=") {
            range = value.to_owned();
        }
    }
    log.lock().unwrap().push(format!("{request} {range}"));
    let path = request.split(' ').nth(1).unwrap_or_default();
    if path == "/api/models/owner/name/revision/main" {
        let siblings: Vec<_> = files.keys().map(|name| serde_json::json!({ "rfilename": name })).collect();
        let body = serde_json::json!({ "sha": COMMIT, "siblings": siblings }).to_string();
        return write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len());
    }
    let name = path.strip_prefix(&format!("/owner/name/resolve/{COMMIT}/")).unwrap_or_default();
    let Some(bytes) = files.get(name) else {
        return write!(stream, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    };
    let etag: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    let bytes = tamper(name, bytes.clone());
    let (start, end) = range.split_once('-').unwrap_or_default();
    let (start, end): (usize, usize) = (start.parse().unwrap_or(0), end.parse().unwrap_or(bytes.len() - 1));
    write!(
        stream,
        "HTTP/1.1 206 Partial Content\r\nETag: \"{etag}\"\r\nX-Repo-Commit: {COMMIT}\r\nConnection: close\r\n\
         Content-Range: bytes {start}-{end}/{}\r\nContent-Length: {}\r\n\r\n",
        bytes.len(),
        end + 1 - start
    )?;
    stream.write_all(&bytes[start..=end])
}

#[test]
fn what_is_needed_is_downloaded_once() {
    let small = SmallHub::start(repository_files(), |_, bytes| bytes);
    let cache = tempfile::tempdir().unwrap();
    let hub = Hub::new(cache.path()).with_endpoint(&small.address);
    let mut seen = Vec::new();
    let mut on_progress = |news: easel_nodes::weights::Download<'_>| {
        assert!(news.done <= news.total && news.index <= news.count);
        if news.done == news.total && news.total > 0 {
            seen.push(news.file.to_owned());
        }
    };
    let model = ModelFolder::open_with("hf:owner/name", Path::new("/"), &hub, &mut on_progress).unwrap();
    assert_eq!(model.weights("prior").unwrap().tensors().len(), 1);
    seen.dedup();
    assert_eq!(seen.len(), 4, "{seen:?}");
    assert!(!small.requested(".bin") && !small.requested("README"));

    small.requests.lock().unwrap().clear();
    open(&hub, "hf:owner/name").unwrap();
    assert!(small.requests.lock().unwrap().is_empty(), "the cache serves");
    hub.fetch(&Repository::parse("owner/name").unwrap(), &mut |_| {}).unwrap();
    assert!(small.requested("/api/") && !small.requested("/resolve/"), "nothing is downloaded twice");
    assert_says(&open(&hub, "hf:owner/other").unwrap_err(), &["no public repository `owner/other`", "HF_TOKEN"]);
}

#[test]
fn a_broken_off_download_is_resumed() {
    let files = repository_files();
    let bytes = &files["prior/diffusion_pytorch_model.safetensors"];
    let etag: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    let cache = tempfile::tempdir().unwrap();
    let blobs = cache.path().join("models--owner--name/blobs");
    fs::create_dir_all(&blobs).unwrap();
    fs::write(blobs.join(etag).with_extension("part"), &bytes[..30_000]).unwrap();
    let small = SmallHub::start(files.clone(), |_, bytes| bytes);
    let model = open(&Hub::new(cache.path()).with_endpoint(&small.address), "hf:owner/name").unwrap();
    assert_eq!(model.weights("prior").unwrap().tensors().len(), 1);
    assert!(small.requested("safetensors HTTP/1.1 30000-"), "{:?}", small.requests);
}

#[test]
fn a_damaged_download_is_found_and_thrown_away() {
    let spoil = |name: &str, mut bytes: Vec<u8>| {
        if name.ends_with(".safetensors") {
            bytes[20_000] ^= 1;
        }
        bytes
    };
    let small = SmallHub::start(repository_files(), spoil);
    let cache = tempfile::tempdir().unwrap();
    let hub = Hub::new(cache.path()).with_endpoint(&small.address);
    for _ in 0..2 {
        assert_says(&open(&hub, "hf:owner/name").unwrap_err(), &["damaged", "SHA-256", "removed"]);
    }
}
