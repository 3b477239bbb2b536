//! How busy the machine is: a line for each gauge, with its past.

use ratatui::text::{Line, Span};

use super::super::model::Model;
use super::super::model::gauges::{Foreseen, Gauges, Sample};
use super::super::theme::Role;
use super::pen::{Pen, fitted};
use super::shows_gauges;
use crate::terminal::{bytes, count, printable};

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
    now: Now,
}

/// What a gauge says now.
enum Now {
    /// What matters most first: what does not fit is left out.
    Facts(Vec<String>),
    Amounts(Amounts),
}

impl Now {
    fn told(&self, room: usize) -> String {
        match self {
            Now::Facts(facts) => fitting(facts, room),
            Now::Amounts(amounts) => amounts.told(room),
        }
    }
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
            Span::styled(gauge.now.told(room), style(Role::Text)),
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
    gauges.extend(used(all, newest, past));
    for (number, device) in newest.devices.iter().enumerate() {
        let mut now: Vec<String> = device.busy.map(|busy| format!("{busy}%")).into_iter().collect();
        now.extend(device.degrees.map(|degrees| format!("{degrees} °C")));
        now.push(format!("{} of {}", bytes(device.memory.0), bytes(device.memory.1)));
        now.push(printable(&device.name).into_owned());
        let busy = |sample: &Sample| Some(f64::from(sample.devices.get(number)?.busy?) / 100.0);
        let name = if newest.devices.len() > 1 { format!("GPU {number}") } else { "GPU".into() };
        gauges.push(Gauge { name, past: all.history(past, busy), now: Now::Facts(now) });
    }
    gauges
}

fn lanes(all: &Gauges, newest: &Sample, past: usize) -> Gauge {
    let (busy, lanes) = newest.lanes;
    let mut now = vec![format!("{busy} of {lanes} busy")];
    now.extend(newest.processors.map(|busy| format!("{busy:.1} CPUs")));
    let part = |sample: &Sample| (sample.lanes.1 > 0).then(|| sample.lanes.0 as f64 / sample.lanes.1 as f64);
    Gauge { name: "lanes".into(), past: all.history(past, part), now: Now::Facts(now) }
}

/// What the process has, against what nodes may have; what they said they would need.
fn memory(all: &Gauges, newest: &Sample, past: usize) -> Option<Gauge> {
    let has = newest.memory?;
    let whole = newest.limit.unwrap_or(0).max(all.most_memory()).max(1);
    let part = |sample: &Sample| sample.memory.map(|memory| memory as f64 / whole as f64);
    let Foreseen { bytes, untold } = newest.foreseen;
    let foreseen = (bytes > 0 || untold > 0).then_some(bytes);
    let amounts = Amounts { used: has, foreseen, untold, all: newest.limit };
    Some(Gauge { name: "memory".into(), past: all.history(past, part), now: Now::Amounts(amounts) })
}

/// The memory of devices on which nodes computed.
fn used<'a>(all: &'a Gauges, newest: &'a Sample, past: usize) -> impl Iterator<Item = Gauge> + 'a {
    newest.used.iter().filter_map(move |device| {
        let (taken, whole) = device.memory?;
        let of = |sample: &Sample| sample.used.iter().find(|other| other.device == device.device)?.memory;
        let part = |sample: &Sample| of(sample).map(|(taken, whole)| taken as f64 / whole.max(1) as f64);
        let amounts = Amounts { used: taken, foreseen: device.foreseen, untold: 0, all: Some(whole) };
        let name = fitted(&device.device, NAME - 1) + " ";
        Some(Gauge { name, past: all.history(past, part), now: Now::Amounts(amounts) })
    })
}

/// Memory that is taken, what nodes said they would take, and what there is.
struct Amounts {
    used: u64,
    /// None: no node computes.
    foreseen: Option<u64>,
    /// Nodes that could not tell.
    untold: usize,
    /// None: there is no limit.
    all: Option<u64>,
}

impl Amounts {
    /// In as many words as there is room for.
    fn told(&self, room: usize) -> String {
        let silent =
            if self.untold > 0 { format!(", {} cannot tell", count(self.untold, "node")) } else { String::new() };
        let foreseen =
            self.foreseen.map(|foreseen| format!(" / {} foreseen{silent}", bytes(foreseen))).unwrap_or_default();
        let all = self.all.map(|all| format!(" / {} in all", bytes(all))).unwrap_or_default();
        let of = self.all.map(|all| format!(" of {}", bytes(all))).unwrap_or_default();
        let words = [
            format!("{} used{foreseen}{all}", bytes(self.used)),
            self.short(self.foreseen),
            self.short(None),
            format!("{}{of}", bytes(self.used)),
            bytes(self.used),
        ];
        words.into_iter().find(|words| words.chars().count() <= room).unwrap_or_default()
    }

    /// Briefly: "0.5 of 1.0 GiB, 0.2 foreseen"; with a plus where more may be taken than was foreseen.
    fn short(&self, foreseen: Option<u64>) -> String {
        let most = [Some(self.used), foreseen, self.all].into_iter().flatten().max().unwrap_or(0);
        let units = [(1_u64 << 30, "GiB"), (1 << 20, "MiB")];
        let (unit, name) = units.into_iter().find(|(unit, _)| most >= *unit).unwrap_or((1 << 10, "KiB"));
        let amount = |bytes: u64| format!("{:.1}", bytes as f64 / unit as f64);
        let plus = if self.untold > 0 { "+" } else { "" };
        let foreseen = foreseen.map(|foreseen| format!(", {}{plus} foreseen", amount(foreseen))).unwrap_or_default();
        let all = self.all.map(|all| format!(" of {}", amount(all))).unwrap_or_default();
        format!("{}{all} {name}{foreseen}", amount(self.used))
    }
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
        let shown: Vec<_> =
            gauges(&all, &sample, 9).into_iter().map(|gauge| (gauge.name, gauge.now.told(80))).collect();
        assert_eq!(shown, [("lanes".to_string(), "1 of 2 busy".to_string())]);
        assert_eq!(fitting(&["12".into(), "34".into(), "5".into()], 6), "12, 34");
        assert_eq!(fitting(&["12".into(), "34".into(), "5".into()], 1), "");
    }
    #[test]
    fn memory_is_told_in_the_words_that_there_is_room_for() {
        let told = |foreseen, untold, all, room| Amounts { used: 550 << 20, foreseen, untold, all }.told(room);
        let all = Some(1 << 30);
        assert_eq!(told(Some(220 << 20), 0, all, 80), "550.0 MiB used / 220.0 MiB foreseen / 1.0 GiB in all");
        assert_eq!(told(Some(220 << 20), 0, all, 31), "0.5 of 1.0 GiB, 0.2 foreseen");
        assert_eq!(told(Some(220 << 20), 0, all, 20), "0.5 of 1.0 GiB");
        assert_eq!(told(Some(220 << 20), 0, None, 27), "550.0 MiB, 220.0 foreseen");
        assert_eq!(told(None, 0, all, 80), "550.0 MiB used / 1.0 GiB in all", "no node computes");
        let some = told(Some(0), 2, all, 80);
        assert_eq!(some, "550.0 MiB used / 0 B foreseen, 2 nodes cannot tell / 1.0 GiB in all");
        assert_eq!(told(Some(1 << 20), 1, all, 31), "0.5 of 1.0 GiB, 0.0+ foreseen");
        assert_eq!((told(Some(1 << 20), 1, all, 10), told(None, 0, all, 3)), ("550.0 MiB".into(), String::new()));
    }
}
