//! What the commands print, word for word: help texts, errors, short runs.
//!
//! `TRYCMD=overwrite cargo test -p easel-tui --test transcripts` writes down what they print now.

#[test]
fn transcripts() {
    check("tests/cmd/*.trycmd");
}

/// In a journal of their own, where the first run has the number 1.
#[test]
fn transcripts_about_the_journal() {
    check("tests/cmd/journal/*.trycmd");
}

fn check(cases: &str) {
    let cache = tempfile::tempdir().expect("a temporary folder can be made");
    trycmd::TestCases::new()
        .register_bin("easel", std::path::Path::new(env!("CARGO_BIN_EXE_easel")))
        .env("HF_HUB_CACHE", cache.path().join("hub").to_string_lossy())
        .env("EASEL_CACHE", cache.path().join("easel").to_string_lossy())
        .env("EASEL_STATE", cache.path().join("state").to_string_lossy())
        .env("EASEL_PLUGINS", cache.path().join("plugins").to_string_lossy())
        .case(cases)
        .run();
}
