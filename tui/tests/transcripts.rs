//! What the commands print, word for word: help texts, errors, short runs.
//!
//! `TRYCMD=overwrite cargo test -p easel-tui --test transcripts` writes down what they print now.

#[test]
fn transcripts() {
    let cache = tempfile::tempdir().expect("a temporary folder can be made");
    trycmd::TestCases::new()
        .register_bin("easel", std::path::Path::new(env!("CARGO_BIN_EXE_easel")))
        .env("HF_HUB_CACHE", cache.path().join("hub").to_string_lossy())
        .env("EASEL_CACHE", cache.path().join("easel").to_string_lossy())
        .case("tests/cmd/*.trycmd")
        .run();
}
