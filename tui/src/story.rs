//! The words about recorded runs that several commands have in common.

use std::path::Path;

use easel_engine::{Job, JobOptions, NodeCounts, NodeState, RunState};

use crate::terminal::Paint;

/// The text in the colour of the state.
pub(crate) fn paint_state(state: RunState, text: &str, paint: Paint) -> String {
    match state {
        RunState::Queued => text.to_string(),
        RunState::Running => paint.cyan(text),
        RunState::Completed => paint.green(text),
        RunState::Failed => paint.red(text),
        RunState::Interrupted | RunState::Cancelled => paint.yellow(text),
    }
}

/// The text in the colour of the state.
pub(crate) fn paint_node_state(state: NodeState, text: &str, paint: Paint) -> String {
    match state {
        NodeState::Finished | NodeState::Cached => paint.green(text),
        NodeState::Running => paint.cyan(text),
        NodeState::Failed => paint.red(text),
        NodeState::Stopped | NodeState::Skipped => paint.yellow(text),
        NodeState::Waiting | NodeState::Blocked | NodeState::Unneeded => paint.dim(text),
    }
}

/// "1 failed, 2 did not run, 3 finished".
pub(crate) fn counts(counts: &NodeCounts) -> String {
    let NodeCounts { finished, cached, failed, skipped } = *counts;
    let parts = [(failed, "failed"), (skipped, "did not run"), (cached, "cached"), (finished, "finished")];
    let told: Vec<_> = parts.iter().filter(|(number, _)| *number > 0).map(|(n, what)| format!("{n} {what}")).collect();
    told.join(", ")
}

/// Milliseconds since 1970 as "2026-11-23 06:28:35", in UTC.
pub(crate) fn moment(milliseconds: i64) -> String {
    let seconds = milliseconds.div_euclid(1000);
    let (days, rest) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let (year, month, day) = civil(days);
    format!("{year:04}-{month:02}-{day:02} {:02}:{:02}:{:02}", rest / 3600, rest / 60 % 60, rest % 60)
}

/// Year, month and day of a number of days since 1970 (Hinnant, "chrono-compatible low-level date algorithms",
/// `civil_from_days`).
fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day_of_year - (153 * shifted_month + 2) / 5 + 1)
}

/// The command line that does a job again.
pub(crate) fn command_line(job: &Job) -> String {
    let file = job.source.path.as_deref().unwrap_or(Path::new(&job.source.name));
    let mut words = vec!["easel".to_string(), "run".into(), quoted(&file.to_string_lossy())];
    let mut option = |name: &str, value: &str| words.extend([name.to_string(), quoted(value)]);
    for (name, value) in &job.settings.set {
        option("--set", &format!("{name}={value}"));
    }
    for target in job.settings.targets.iter().flatten() {
        option("--target", target);
    }
    let folder = job.source.path.as_deref().and_then(Path::parent);
    if let Some(base) = job.settings.base_dir.as_deref().filter(|base| Some(*base) != folder) {
        option("--base", &base.to_string_lossy());
    }
    option("--out", &job.settings.out_dir.to_string_lossy());
    option("--device", &job.options.device);
    if job.options.precision != JobOptions::default().precision {
        option("--precision", &job.options.precision);
    }
    if let Some(steps) = job.options.save_every {
        option("--save-every", &steps.to_string());
    }
    if job.settings.keep_going {
        words.push("--keep-going".into());
    }
    if !job.options.cache {
        words.push("--no-cache".into());
    }
    words.join(" ")
}

/// A word as a POSIX shell takes it.
pub(crate) fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,+@%".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_string();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use easel_engine::{JobOptions, Settings, Source};

    use super::*;

    #[test]
    fn moments_are_dates() {
        assert_eq!(moment(0), "1970-01-01 00:00:00");
        assert_eq!(moment(951_782_400_000), "2000-02-29 00:00:00");
        assert_eq!(moment(1_795_415_315_999), "2026-11-23 06:28:35");
        assert_eq!(moment(-1), "1969-12-31 23:59:59");
        for extreme in [i64::MIN, i64::MAX] {
            assert!(!moment(extreme).is_empty());
        }
    }

    #[test]
    fn the_command_line_can_be_pasted() {
        let job = Job {
            source: Source { path: Some("/w/my flow.ron".into()), ..Source::new("my flow.ron", "") },
            files: Vec::new(),
            settings: Settings {
                set: vec![("prompt".into(), "it's a $cat".into()), ("seed".into(), "7".into())],
                targets: Some(vec!["save".into()]),
                base_dir: Some("/w".into()),
                out_dir: "/w/out".into(),
                ..Settings::default()
            },
            options: JobOptions {
                device: "cpu".into(),
                precision: "float32".into(),
                cache: false,
                save_every: Some(5),
                sweep: None,
            },
        };
        assert_eq!(
            command_line(&job),
            "easel run '/w/my flow.ron' --set 'prompt=it'\\''s a $cat' --set seed=7 --target save --out /w/out \
             --device cpu --precision float32 --save-every 5 --no-cache"
        );
    }
}
