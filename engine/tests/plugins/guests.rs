//! Plugins in the text format of WebAssembly, and the folders that they lie in.

use std::path::{Path, PathBuf};

use easel_engine::{PluginSet, Plugins, Registry};
use tempfile::TempDir;

/// Where a guest's description stands in its memory.
const DESCRIPTION: usize = 1024;

/// The parts of a plugin; each can be spoilt.
pub struct Guest {
    pub description: String,
    /// Instructions that give the version.
    pub version: String,
    /// Instructions that give where the description is; none: where it is.
    pub describe: Option<String>,
    /// Instructions that make room for `$length` bytes.
    pub allocate: String,
    /// Instructions that run the node `$node` with `$length` bytes of inputs at `$inputs`, and give where the reply is.
    pub run: String,
    /// Further fields of the module.
    pub fields: String,
    /// Pages of 64 KiB of memory at first.
    pub pages: usize,
}

/// A description of node types that take and give a text.
pub fn echoes(names: &[&str]) -> String {
    let node = |name: &&str| {
        format!(
            r#"(name: "{name}", about: "Echoes.", inputs: [(name: "x", about: "what", kinds: ["Text"])],
                outputs: [(name: "x", kind: "Text", about: "that")])"#
        )
    };
    format!("(about: \"Echoes.\", nodes: [{}])", names.iter().map(node).collect::<Vec<_>>().join(", "))
}

/// Instructions that reply with the input `x`, a text, as the output `x`. An input is the number of inputs (8 bytes), its
/// name (8 + 1), its kind (8 + 4), and its value (8 + so many); an output is that a node ended well (8), the number of
/// outputs (8), its name (8 + 1), that it has a value (8), and the value.
pub const ECHO: &str = r#"
    (local $reply i32) (local $value i32)
    (local.set $reply (i32.add (local.get $inputs) (local.get $length)))
    (local.set $value (i32.sub (local.get $length) (i32.const 29)))
    (i64.store (local.get $reply) (i64.const 0))
    (i64.store offset=8 (local.get $reply) (i64.const 1))
    (i64.store offset=16 (local.get $reply) (i64.const 1))
    (i32.store8 offset=24 (local.get $reply) (i32.const 120))
    (i64.store offset=25 (local.get $reply) (i64.const 0))
    (memory.copy
        (i32.add (local.get $reply) (i32.const 33))
        (i32.add (local.get $inputs) (i32.const 29))
        (local.get $value))
    (i64.or
        (i64.shl (i64.extend_i32_u (local.get $reply)) (i64.const 32))
        (i64.extend_i32_u (i32.add (local.get $value) (i32.const 33))))"#;

impl Guest {
    /// A plugin whose node types echo a text.
    pub fn echoing(names: &[&str]) -> Self {
        Guest {
            description: echoes(names),
            version: "i32.const 1".into(),
            describe: None,
            allocate: "i32.const 65536".into(),
            run: ECHO.into(),
            fields: String::new(),
            pages: 4,
        }
    }

    /// A plugin of one node type, `Node`, that does this when it is run.
    pub fn running(run: &str) -> Self {
        Guest { run: run.into(), ..Self::echoing(&["Node"]) }
    }

    pub fn text(&self) -> String {
        let Guest { description, version, allocate, run, fields, pages, .. } = self;
        let bytes: String = description.bytes().map(|byte| format!("\\{byte:02x}")).collect();
        let packed = (DESCRIPTION << 32) | description.len();
        let describe = self.describe.clone().unwrap_or_else(|| format!("i64.const {packed}"));
        format!(
            r#"(module
                (import "easel" "progress" (func $progress (param i32 i32)))
                (import "easel" "warn" (func $warn (param i32 i32)))
                (import "easel" "note" (func $note (param i32 i32 i32 i32)))
                (import "easel" "panic" (func $panic (param i32 i32)))
                (memory (export "memory") {pages})
                (data (i32.const {DESCRIPTION}) "{bytes}")
                {fields}
                (func (export "easel_abi_version") (result i32) {version})
                (func (export "easel_describe") (result i64) {describe})
                (func (export "easel_alloc") (param $length i32) (result i32) {allocate})
                (func (export "easel_run") (param $node i32) (param $inputs i32) (param $length i32) (result i64) {run})
            )"#
        )
    }

    pub fn bytes(&self) -> Vec<u8> {
        wat::parse_str(self.text()).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }
}

/// A folder of plugins.
pub struct Folder {
    folder: TempDir,
    plugins: Plugins,
}

impl Folder {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        Folder { folder, plugins: Plugins::new(Registry::new()) }
    }

    /// With one plugin in it.
    pub fn with(name: &str, bytes: &[u8]) -> Self {
        let folder = Self::new();
        folder.write(name, bytes);
        folder
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.path().join(name);
        std::fs::write(&path, bytes).expect("it can be written");
        path
    }

    pub fn load(&self) -> PluginSet {
        self.plugins.load(&[self.path().to_path_buf()])
    }

    /// What is wrong with the only plugin in it.
    pub fn problem(&self) -> String {
        let set = self.load();
        let [file] = &set.files[..] else { panic!("there is one: {:?}", set.files) };
        assert!(file.node_types.is_empty(), "{file:?}");
        file.problem.as_ref().expect("something is wrong with it").to_string()
    }
}
