//! What holds for every graph.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use easel_engine::Event;
use proptest::prelude::*;

use crate::lab::{Caching, Lab, Ran, node_of};

/// A node: what it needs of the nodes before it, how it takes the machine, how long it sleeps in milliseconds.
#[derive(Clone, Debug)]
struct Drawn {
    needs: Vec<usize>,
    node_type: &'static str,
    milliseconds: u8,
}

/// Any graph without cycles: node `i` needs some of the nodes before it.
fn graphs(largest: usize) -> impl Strategy<Value = Vec<Drawn>> {
    let types = prop::sample::select(vec!["SleepOnLane", "Sleep", "SleepOnAll", "SleepOnLane"]);
    let node = (proptest::collection::vec(0..1_000_usize, 0..4), types, 0..3_u8);
    proptest::collection::vec(node, 1..largest).prop_map(|nodes| {
        let drawn = nodes.into_iter().enumerate().map(|(at, (any, node_type, milliseconds))| {
            let needs: BTreeSet<_> = any.iter().filter_map(|any| any.checked_rem(at)).collect();
            Drawn { needs: needs.into_iter().collect(), node_type, milliseconds }
        });
        drawn.collect()
    })
}

/// Every node takes the average of what it needs and of a number of its own, and sleeps a time of its own: no two do the
/// same.
fn text(nodes: &[Drawn]) -> String {
    let mut text = String::new();
    for (at, node) in nodes.iter().enumerate() {
        let mut feeds: Vec<_> = node.needs.iter().map(|need| format!(r#"From("s{need}")"#)).collect();
        feeds.push(format!("{at}.5"));
        let (node_type, milliseconds) = (node.node_type, node.milliseconds);
        let _ = write!(
            text,
            r#""m{at}": Average(values: [{}]), "s{at}": {node_type}(milliseconds: {milliseconds}.{at:03}, value: From("m{at}")), "#,
            feeds.join(", ")
        );
    }
    text
}

fn values(ran: &Ran) -> BTreeMap<String, f64> {
    ran.report.outputs.keys().map(|node| (node.to_string(), ran.float(node))).collect()
}

/// What the nodes would give one after another.
fn expected(nodes: &[Drawn]) -> Vec<f64> {
    let mut values: Vec<f64> = Vec::new();
    for (at, node) in nodes.iter().enumerate() {
        let sum: f64 = node.needs.iter().map(|need| values[*need]).sum();
        values.push((sum + (at as f64 + 0.5)) / (node.needs.len() + 1) as f64);
    }
    values
}

/// Every node ran once, and began after what it needs had ended.
fn check_order(nodes: &[Drawn], ran: &Ran) -> Result<(), TestCaseError> {
    let mut executed = ran.executed.clone();
    executed.sort();
    executed.dedup();
    prop_assert_eq!(executed.len(), ran.executed.len(), "something ran twice");
    prop_assert_eq!(executed.len(), 2 * nodes.len(), "something did not run");
    let mut places: BTreeMap<(&str, bool), usize> = BTreeMap::new();
    for (at, event) in ran.events.iter().enumerate() {
        let Some(node) = node_of(event) else { continue };
        match event {
            Event::NodeStarted { .. } => places.insert((node, false), at),
            Event::NodeFinished { .. } => places.insert((node, true), at),
            _ => None,
        };
    }
    for (at, node) in nodes.iter().enumerate() {
        let began = places[&(format!("m{at}").as_str(), false)];
        for need in &node.needs {
            let ended = places[&(format!("s{need}").as_str(), true)];
            prop_assert!(ended < began, "m{at} began before s{need} had ended");
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn each_node_runs_once_after_what_it_needs(nodes in graphs(24)) {
        for caching in [Caching::Everything, Caching::Off] {
            let lab = Lab::new(caching);
            let ran = lab.run(&text(&nodes));
            ran.completed();
            check_order(&nodes, &ran)?;
            for (node, value) in expected(&nodes).into_iter().enumerate() {
                if let Some(outputs) = ran.report.outputs.get(format!("s{node}").as_str()) {
                    prop_assert_eq!(outputs.get("value").and_then(|found| found.get::<f64>()), Some(&value));
                }
            }
        }
    }

    #[test]
    fn values_are_equal_whatever_is_kept(nodes in graphs(16)) {
        let labs = [Caching::Everything, Caching::Recent, Caching::Off].map(Lab::new);
        let first = labs.each_ref().map(|lab| values(&lab.run(&text(&nodes))));
        prop_assert!(first.iter().all(|values| *values == first[0]));
        for lab in &labs {
            let again = lab.run(&text(&nodes));
            prop_assert_eq!(&values(&again), &first[0]);
            prop_assert_eq!(again.executed.is_empty(), lab.keeps());
        }
    }

    #[test]
    fn a_run_cancelled_anywhere_goes_on_with_what_is_left(nodes in graphs(16), at in 1..40_usize) {
        let lab = Lab::new(Caching::Everything);
        lab.bench.cancel_at(at);
        let first = lab.run(&text(&nodes));
        lab.bench.cancel_at(0);
        let finished: BTreeSet<String> = first.finished().into_iter().map(String::from).collect();
        let resumed = lab.run(&text(&nodes));
        resumed.completed();
        for node in &resumed.executed {
            prop_assert!(!finished.contains(node), "{node} had finished");
        }
        prop_assert_eq!(resumed.executed.len() + finished.len(), 2 * nodes.len());
        let plain = values(&Lab::new(Caching::Off).run(&text(&nodes)));
        prop_assert_eq!(values(&resumed), plain);
    }
}
