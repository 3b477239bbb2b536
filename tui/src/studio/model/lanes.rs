//! Which nodes of a run computed beside each other: its lanes, by device. Pure: a function of the run and of the time.

use std::collections::BTreeMap;
use std::sync::Arc;

use easel_engine::Seat;

use super::run::RunView;
use super::timeline::{Row, containers};

/// What a line of nodes has in common.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Track {
    /// A lane of this machine's processors.
    Lane(usize),
    /// A device that has memory of its own: one node at a time computes there.
    Device(Arc<str>),
    /// They wait and hardly compute, any number at the same time.
    Waiting,
    /// Nobody wrote down where they computed.
    Untold,
}

/// Nodes that ran one after another.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct LaneLine {
    /// Where.
    pub(crate) track: Track,
    /// Their places among the rows, as they began.
    pub(crate) rows: Vec<usize>,
    /// Those of another line that held this lane too.
    pub(crate) held: Vec<usize>,
}

/// The lines of a run: lanes, devices, those who waited, and those of whom nothing is known. Every row with a beginning that
/// stands for no others is in exactly one of them.
pub(crate) fn lanes(run: &RunView, rows: &[Row]) -> Vec<LaneLine> {
    let containers = containers(run.nodes.iter().map(|node| &*node.node));
    let node = |row: &Row| run.nodes.get(row.index);
    let began = |row: &Row| node(row).is_some_and(|node| node.began.is_some() && !containers.contains(&*node.node));
    let mut begun: Vec<usize> = (0..rows.len()).filter(|at| began(&rows[*at])).collect();
    let start = |at: usize| rows[at].span.map_or(0.0, |(from, _)| from);
    begun.sort_by(|one, other| start(*one).total_cmp(&start(*other)));
    let seat = |at: usize| node(&rows[at]).and_then(|node| node.seat.as_ref());
    let mut by_track: BTreeMap<Track, Vec<usize>> = BTreeMap::new();
    for &at in &begun {
        by_track.entry(seat(at).map_or(Track::Untold, Track::of)).or_default().push(at);
    }
    let mut lines = Vec::new();
    for (track, members) in by_track {
        match track {
            Track::Lane(_) | Track::Device(_) => lines.push(LaneLine { track, rows: members, held: Vec::new() }),
            // They may be at it at the same time: as many lines as it takes.
            Track::Waiting | Track::Untold => lines.extend(packed(&members, rows).into_iter().map(|rows| LaneLine {
                track: track.clone(),
                rows,
                held: Vec::new(),
            })),
        }
    }
    for line in &mut lines {
        let Track::Lane(lane) = line.track else { continue };
        let holds = |seat: &Seat| &*seat.device == Seat::HOST && seat.lane < lane && lane < seat.lane + seat.lanes;
        line.held = begun.iter().copied().filter(|at| seat(*at).is_some_and(holds)).collect();
    }
    lines
}

impl Track {
    fn of(seat: &Seat) -> Self {
        match (&*seat.device, seat.lanes) {
            (Seat::HOST, 0) => Track::Waiting,
            (Seat::HOST, _) => Track::Lane(seat.lane),
            _ => Track::Device(Arc::clone(&seat.device)),
        }
    }

    /// What stands before the line.
    pub(crate) fn label(&self) -> String {
        match self {
            Track::Lane(lane) => format!("{} {lane}", Seat::HOST),
            Track::Device(device) => device.to_string(),
            Track::Waiting => "no lane".into(),
            Track::Untold => "not told".into(),
        }
    }
}

/// Those that began in this order, in as few lines as there may be so that none is in the way of another.
fn packed(members: &[usize], rows: &[Row]) -> Vec<Vec<usize>> {
    let mut lines: Vec<(f64, Vec<usize>)> = Vec::new();
    for &at in members {
        let (from, to) = rows[at].span.unwrap_or_default();
        match lines.iter_mut().find(|(end, _)| *end <= from) {
            Some((end, line)) => {
                line.push(at);
                *end = to;
            }
            None => lines.push((to, vec![at])),
        }
    }
    lines.into_iter().map(|(_, line)| line).collect()
}

/// The row to which the cursor goes from `at` by so many lines and so many nodes along the line. What it goes to on another
/// line is what ran at the same time, or else what is next to that.
pub(crate) fn step(lines: &[LaneLine], rows: &[Row], at: usize, down: isize, along: isize) -> Option<usize> {
    let place = lines
        .iter()
        .enumerate()
        .find_map(|(number, line)| line.rows.iter().position(|row| *row == at).map(|column| (number, column)));
    let Some((number, column)) = place else { return lines.first()?.rows.first().copied() };
    let target = number.saturating_add_signed(down).min(lines.len() - 1);
    let line = &lines[target].rows;
    if target == number {
        return line.get(column.saturating_add_signed(along).min(line.len() - 1)).copied();
    }
    let middle = |row: usize| rows[row].span.map_or(0.0, |(from, to)| (from + to) / 2.0);
    let apart = |row: usize| {
        let (from, to) = rows[row].span.unwrap_or_default();
        (from - middle(at)).max(middle(at) - to).max(0.0)
    };
    line.iter().copied().min_by(|one, other| apart(*one).total_cmp(&apart(*other)))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use easel_engine::{Event, RunId};
    use proptest::prelude::*;

    use super::super::timeline::{Order, rows};
    use super::*;

    /// Nodes with when they began and ended in seconds, and where.
    fn run(nodes: &[(&str, u64, u64, Option<Seat>)]) -> RunView {
        let mut view = RunView::beginning(true, Duration::ZERO);
        let run = RunId(1);
        view.begins(Some(run), nodes.iter().map(|(name, ..)| Arc::from(*name)).collect(), Duration::ZERO);
        for (name, began, ended, seat) in nodes {
            let node: Arc<str> = Arc::from(*name);
            let began = Duration::from_secs(*began);
            view.happened(&Event::NodeStarted { run, node: Arc::clone(&node), seat: seat.clone() }, began);
            let event = Event::NodeFinished { run, node, seconds: 0.0, outputs: Arc::new([]) };
            view.happened(&event, Duration::from_secs(*ended));
        }
        view
    }

    fn seat(device: &str, lane: usize, lanes: usize) -> Option<Seat> {
        Some(Seat { device: device.into(), lane, lanes, memory: None, device_memory: None })
    }

    fn told(run: &RunView) -> Vec<(String, Vec<String>, Vec<String>)> {
        let rows = rows(run, None, Order::Lanes, Duration::from_secs(100));
        let name = |at: &usize| run.nodes[rows[*at].index].node.to_string();
        let line = |line: LaneLine| {
            (line.track.label(), line.rows.iter().map(name).collect(), line.held.iter().map(name).collect())
        };
        lanes(run, &rows).into_iter().map(line).collect()
    }

    #[test]
    fn what_ran_side_by_side_is_on_different_lines() {
        let run = run(&[
            ("a", 0, 2, seat("cpu", 0, 1)),
            ("b", 0, 3, seat("cpu", 1, 1)),
            ("all", 3, 5, seat("cpu", 0, 2)),
            ("gpu", 0, 4, seat("cuda:0", 2, 1)),
            ("read", 0, 2, seat("cpu", 0, 0)),
            ("wait", 1, 3, seat("cpu", 0, 0)),
            ("later", 4, 5, seat("cpu", 0, 0)),
        ]);
        let line = |label: &str, rows: &[&str], held: &[&str]| {
            let owned = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
            (label.to_string(), owned(rows), owned(held))
        };
        let expected = [
            line("cpu 0", &["a", "all"], &[]),
            line("cpu 1", &["b"], &["all"]),
            line("cuda:0", &["gpu"], &[]),
            line("no lane", &["read", "later"], &[]),
            line("no lane", &["wait"], &[]),
        ];
        assert_eq!(told(&run), expected);
    }

    #[test]
    fn of_runs_of_older_versions_nothing_is_made_up_and_what_stands_for_others_is_left_out() {
        let run = run(&[("map", 0, 4, None), ("map[0]/a", 0, 4, None), ("b", 2, 3, None)]);
        let lines: Vec<_> = told(&run).into_iter().map(|(label, rows, _)| (label, rows)).collect();
        let expected = [("not told", "map[0]/a"), ("not told", "b")];
        assert_eq!(lines, expected.map(|(label, row)| (label.to_string(), vec![row.to_string()])));
    }

    #[test]
    fn the_cursor_goes_to_what_ran_at_the_same_time() {
        let run = run(&[
            ("a", 0, 2, seat("cpu", 0, 1)),
            ("b", 2, 6, seat("cpu", 0, 1)),
            ("c", 0, 1, seat("cpu", 1, 1)),
            ("d", 3, 4, seat("cpu", 1, 1)),
        ]);
        let rows = rows(&run, None, Order::Lanes, Duration::from_secs(9));
        let lines = lanes(&run, &rows);
        let find = |name: &str| rows.iter().position(|row| &*run.nodes[row.index].node == name).expect("it ran");
        let goes = |from: &str, down, along| {
            step(&lines, &rows, find(from), down, along).map(|at| run.nodes[rows[at].index].node.to_string())
        };
        assert_eq!(goes("b", 1, 0).as_deref(), Some("d"));
        assert_eq!(goes("a", 1, 0).as_deref(), Some("c"));
        assert_eq!(goes("d", -1, 0).as_deref(), Some("b"));
        assert_eq!(goes("a", 0, 1).as_deref(), Some("b"));
        assert_eq!(goes("b", 0, 1).as_deref(), Some("b"), "it is the last");
        assert_eq!(goes("a", -9, 0).as_deref(), Some("a"));
    }

    proptest! {
        #[test]
        fn every_node_is_on_one_line_and_no_two_that_wait_overlap(
            nodes in prop::collection::vec((0_u64..50, 0_u64..9, 0_usize..4, 0_usize..3, 0_u8..4), 0..40),
        ) {
            let names: Vec<String> = (0..nodes.len()).map(|number| format!("n{number}")).collect();
            let nodes: Vec<_> = names.iter().zip(&nodes).map(|(name, &(began, took, lane, lanes, kind))| {
                let seat = match kind {
                    0 => None,
                    1 => seat("cuda:0", lane, 1),
                    _ => seat("cpu", lane, lanes),
                };
                (name.as_str(), began, began + took, seat)
            }).collect();
            let run = run(&nodes);
            let rows = rows(&run, None, Order::Time, Duration::from_secs(100));
            let lines = lanes(&run, &rows);
            let mut seen: Vec<usize> = lines.iter().flat_map(|line| line.rows.iter().copied()).collect();
            seen.sort_unstable();
            prop_assert_eq!(seen, (0..nodes.len()).collect::<Vec<_>>());
            for line in lines.iter().filter(|line| matches!(line.track, Track::Waiting | Track::Untold)) {
                for pair in line.rows.windows(2) {
                    let (one, other) = (rows[pair[0]].span, rows[pair[1]].span);
                    prop_assert!(one.zip(other).is_some_and(|((_, end), (start, _))| end <= start));
                }
            }
            for at in 0..rows.len() {
                for (down, along) in [(-1, 0), (1, 0), (0, -1), (0, 1), (40, 0)] {
                    prop_assert!(step(&lines, &rows, at, down, along).is_some_and(|at| at < rows.len()));
                }
            }
        }
    }
}
