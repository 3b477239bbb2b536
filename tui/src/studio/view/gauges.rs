//! How busy the machine is: a line for each gauge, with its past.

use ratatui::text::{Line, Span};

use super::super::model::Model;
use super::super::model::gauges::{Gauges, Sample};
use super::super::theme::Role;
use super::pen::Pen;
use super::shows_gauges;
use crate::terminal::{bytes, printable};

/// From nothing to all.
const LEVELS: [&str; 8] = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];

/// Columns of what a line is about.
const NAME: usize = 8;

/// Lines of the pane below which there is no room for gauges.
const ROOM: u16 = 16;

/// A gauge: what it is about, its past, and what it says now.
struct Gauge {
    name: String,
    past: Vec<f64>,
    /// What matters most first: what does not fit is left out.
    now: Vec<String>,
}

/// The gauges, if there is room and anything is known.
pub(super) fn draw(model: &Model, height: u16, pen: &mut Pen<'_>) {
    let Some(newest) = model.gauges.newest().filter(|_| height >= ROOM && shows_gauges(model)) else { return };
    let past = (pen.width() / 5).clamp(5, 16);
    let room = pen.width().saturating_sub(NAME + past + 1);
    for gauge in gauges(&model.gauges, newest, past) {
        let style = |role: Role| model.theme.style(role);
        let line: String = gauge.past.iter().map(|part| level(*part)).collect();
        pen.line(&Line::from(vec![
            Span::styled(format!("{:NAME$}", gauge.name), style(Role::Dim)),
            Span::styled(format!("{line:past$} "), style(Role::Running)),
            Span::styled(fitting(&gauge.now, room), style(Role::Text)),
        ]));
    }
}

/// As many of the facts as there is room for.
pub(super) fn fitting(facts: &[String], room: usize) -> String {
    let mut text = String::new();
    for fact in facts {
        let comma = if text.is_empty() { "" } else { ", " };
        if text.chars().count() + comma.len() + fact.chars().count() > room {
            break;
        }
        text.push_str(comma);
        text.push_str(fact);
    }
    text
}

fn level(part: f64) -> &'static str {
    LEVELS[((part * LEVELS.len() as f64) as usize).min(LEVELS.len() - 1)]
}

fn gauges(all: &Gauges, newest: &Sample, past: usize) -> Vec<Gauge> {
    let mut gauges = vec![lanes(all, newest, past)];
    gauges.extend(memory(all, newest, past));
    for (number, device) in newest.devices.iter().enumerate() {
        let mut now: Vec<String> = device.busy.map(|busy| format!("{busy}%")).into_iter().collect();
        now.extend(device.degrees.map(|degrees| format!("{degrees} °C")));
        now.push(format!("{} of {}", bytes(device.memory.0), bytes(device.memory.1)));
        now.push(printable(&device.name).into_owned());
        let busy = |sample: &Sample| Some(f64::from(sample.devices.get(number)?.busy?) / 100.0);
        let name = if newest.devices.len() > 1 { format!("GPU {number}") } else { "GPU".into() };
        gauges.push(Gauge { name, past: all.history(past, busy), now });
    }
    gauges
}

fn lanes(all: &Gauges, newest: &Sample, past: usize) -> Gauge {
    let (busy, lanes) = newest.lanes;
    let mut now = vec![format!("{busy} of {lanes} busy")];
    now.extend(newest.processors.map(|busy| format!("{busy:.1} CPUs")));
    let part = |sample: &Sample| (sample.lanes.1 > 0).then(|| sample.lanes.0 as f64 / sample.lanes.1 as f64);
    Gauge { name: "lanes".into(), past: all.history(past, part), now }
}

/// What the process has, against what nodes may have; what they said they would need.
fn memory(all: &Gauges, newest: &Sample, past: usize) -> Option<Gauge> {
    let has = newest.memory?;
    let whole = newest.limit.unwrap_or(0).max(all.most_memory()).max(1);
    let part = |sample: &Sample| sample.memory.map(|memory| memory as f64 / whole as f64);
    let limit = newest.limit.map(|limit| format!(" of {}", bytes(limit))).unwrap_or_default();
    let mut now = vec![format!("{}{limit}", bytes(has))];
    if newest.planned > 0 {
        now.push(format!("{} planned", bytes(newest.planned)));
    }
    Some(Gauge { name: "memory".into(), past: all.history(past, part), now })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_have_levels() {
        assert_eq!([0.0, 0.13, 0.99, 1.0].map(level), ["▁", "▂", "█", "█"]);
    }

    #[test]
    fn what_is_not_known_is_not_shown() {
        let mut all = Gauges::default();
        let sample = Sample { lanes: (1, 2), ..Sample::default() };
        all.add(sample.clone());
        let shown: Vec<_> = gauges(&all, &sample, 9).into_iter().map(|gauge| (gauge.name, gauge.now)).collect();
        assert_eq!(shown, [("lanes".to_string(), vec!["1 of 2 busy".to_string()])]);
        assert_eq!(fitting(&["12".into(), "34".into(), "5".into()], 6), "12, 34");
        assert_eq!(fitting(&["12".into(), "34".into(), "5".into()], 1), "");
    }
}
