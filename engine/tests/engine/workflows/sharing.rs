//! Devices as nodes share them: one computes on each at a time, and others compute beside it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use easel_engine::{
    CancelToken, Context, DeviceNeed, EventSink, Inputs, Lanes, Literals, MemoryNeed, Node, NodeError, NodeResult,
    NodeSpec, OutputSpec, Outputs, Plan, Resources, Run, Services, Settings, kinds,
};

use super::source;

/// Who is where.
#[derive(Default)]
struct Place {
    on_device: AtomicUsize,
    most_on_device: AtomicUsize,
    beside: AtomicUsize,
}

/// Computes on the device that its options name, on all lanes where there is none, and waits there for one that computes
/// beside it.
struct Compute;

impl Node for Compute {
    fn spec(&self) -> NodeSpec {
        NodeSpec::new("Compute", "").lanes(Lanes::All).output(OutputSpec::new("value", kinds::FLOAT, "one"))
    }

    fn memory(&self, literals: &Literals<'_>) -> Option<MemoryNeed> {
        let device =
            literals.device().map(|device| DeviceNeed { device: device.to_owned(), bytes: 1, available: 2, total: 2 });
        Some(MemoryNeed { host: 1, device })
    }

    fn run(&self, _: &Inputs, context: &mut Context<'_>) -> NodeResult {
        let place = Arc::clone(context.service::<Arc<Place>>()?);
        place.most_on_device.fetch_max(place.on_device.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        let patience = Instant::now() + Duration::from_secs(10);
        while place.beside.load(Ordering::SeqCst) == 0 {
            if Instant::now() > patience {
                return Err(NodeError::new("nobody computes beside it"));
            }
            std::thread::yield_now();
        }
        place.on_device.fetch_sub(1, Ordering::SeqCst);
        Ok(Outputs::one("value", 1.0))
    }
}

/// Computes here, on one lane.
struct Beside;

impl Node for Beside {
    fn spec(&self) -> NodeSpec {
        NodeSpec::new("Beside", "").output(OutputSpec::new("value", kinds::FLOAT, "one"))
    }

    fn run(&self, _: &Inputs, context: &mut Context<'_>) -> NodeResult {
        let place = context.service::<Arc<Place>>()?;
        // Not before the other is there.
        while place.most_on_device.load(Ordering::SeqCst) == 0 {
            std::thread::yield_now();
        }
        place.beside.fetch_add(1, Ordering::SeqCst);
        Ok(Outputs::one("value", 1.0))
    }
}

#[test]
fn one_computes_on_a_device_and_others_beside_it() {
    let mut registry = super::registry();
    registry.check_devices(|_| Ok(()));
    registry.register(Compute).expect("it is sound");
    registry.register(Beside).expect("it is sound");
    let body = r#"nodes: {
        "first": Compute(options: (device: "abacus:0", cache: false)),
        "second": Compute(options: (device: "abacus:0", cache: false)),
        "beside": Beside(),
    }"#;
    let (plan, _) = Plan::prepare(&source(body), &registry, &Settings::default()).expect("it is sound");
    let place = Arc::new(Place::default());
    let services = Services::default().with(Arc::clone(&place));
    let run = Run::new(plan, services, EventSink::new(), CancelToken::new());
    let report = run.with_resources(Arc::new(Resources::new(3, None))).execute();
    assert_eq!(report.failed, []);
    assert_eq!(place.most_on_device.load(Ordering::SeqCst), 1);
}
