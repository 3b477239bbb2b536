//! Nodes for which the workflow chose a device, of which the engine knows the name and no more.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use easel_engine::{Cache, CancelToken, EventSink, MemoryPolicy, Plan, Registry, Resources, Run, Services, Settings};

use super::source;

/// On which every device will do.
fn registry() -> Registry {
    let mut registry = super::registry();
    registry.check_devices(|_| Ok(()));
    registry
}

/// What an imagined device has left.
pub(super) struct Free(pub(super) AtomicU64);

fn free_on_devices(megabytes: u64) -> Services {
    Services::default().with(Free(AtomicU64::new(megabytes << 20)))
}

#[test]
fn a_device_s_memory_is_its_own() {
    let mut registry = registry();
    registry.set_services(free_on_devices(1000));
    let body = r#"nodes: { "a": Big(megabytes: 900, options: (device: "abacus")), "b": Big(megabytes: 1536, options: (device: "abacus")) }"#;
    let settings = Settings { memory_limit: Some(100 << 20), ..Settings::default() };
    let Err(errors) = Plan::prepare(&source(body), &registry, &settings) else { panic!("it does not fit") };
    assert_eq!(errors.len(), 1, "{errors:?}");
    assert_eq!(
        errors[0].message,
        "`b` (Big) needs 1.5 GiB of memory on abacus, but 1000.0 MiB of its 2.0 GiB are free"
    );
    let later = Plan::prepare(&source(body), &registry, &Settings::default());
    assert!(later.is_ok(), "a plan for whenever there is memory is held against all of the device's");
    let sound = Settings { targets: Some(vec!["a".into()]), ..settings };
    let (plan, _) = Plan::prepare(&source(body), &registry, &sound).expect("this machine's memory is not asked for");
    assert_eq!(plan.memory().collect::<Vec<_>>(), [("a", 1)]);
    let run = |free| {
        let run = Run::new(plan.clone(), free_on_devices(free), EventSink::new(), CancelToken::new());
        run.with_resources(Arc::new(Resources::new(2, Some(100 << 20)))).execute()
    };
    assert_eq!(run(950).finished.len(), 1);
    let report = run(800);
    let [failure] = &report.failed[..] else { panic!("somebody else has taken some meanwhile: {report:?}") };
    assert_eq!(failure.message, "it needs 900.0 MiB of memory on abacus, but 800.0 MiB of its 2.0 GiB are free");
    assert!(failure.hint.as_ref().is_some_and(|hint| hint.contains("another one")), "{failure:?}");
}

#[test]
fn results_of_a_device_are_those_of_what_it_stands_for() {
    let body = r#"nodes: { "a": Constant(value: 7, options: (device: "auto")) }"#;
    let (plan, _) = Plan::prepare(&source(body), &registry(), &Settings::default()).expect("it is sound");
    let cache = Arc::new(Cache::in_memory(MemoryPolicy::Bytes(1 << 20)));
    let ran = |own: &str, auto: &'static str| {
        let run = Run::new(plan.clone(), Services::default(), EventSink::new(), CancelToken::new());
        let run = run.with_cache(Arc::clone(&cache)).with_environment(own);
        run.with_device_environments(move |name| if name == "auto" { auto.into() } else { name.into() }).execute()
    };
    assert_eq!(ran("here", "a large abacus").cached.len(), 0);
    assert_eq!(ran("here", "a large abacus").cached.len(), 1);
    assert_eq!(ran("here", "a small abacus").cached.len(), 0, "on another machine it is another device");
    assert_eq!(ran("elsewhere", "a large abacus").cached.len(), 1, "where the rest runs is nothing to it");
}
