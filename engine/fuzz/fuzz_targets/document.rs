//! Whatever the bytes, they are read without a panic, and every place that is named is in the text.

#![no_main]

use easel_engine::{Document, Source};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let source = Source::new("fuzz", text);
    let (document, diagnostics) = Document::parse(&source);
    for label in diagnostics.iter().flat_map(|diagnostic| &diagnostic.labels) {
        assert!(text.get(label.span.clone()).is_some(), "{label:?} is not in the text");
    }
    for node in document.nodes() {
        assert!(text.get(node.span.clone()).is_some(), "{:?} is not in the text", node.span);
    }
});
