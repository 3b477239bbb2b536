//! How much memory this process may take, and how much of it nodes may.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use crate::terminal;

/// Memory that there is, as far as the system tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Memory {
    /// Bytes of the machine, or of the control group that this process is in, if that is less.
    pub(crate) total: u64,
    /// Bytes of them that can be had without swapping.
    pub(crate) available: u64,
}

impl Memory {
    /// What the system says now; none where it does not say it in Linux's way.
    pub(crate) fn of_this_machine() -> Option<Self> {
        let machine = Self::parse(&std::fs::read_to_string("/proc/meminfo").ok()?)?;
        let groups = std::fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
        Some(machine.within(control_groups(&groups, Path::new("/sys/fs/cgroup"))))
    }

    /// From Linux's `/proc/meminfo`, which counts in KiB.
    fn parse(meminfo: &str) -> Option<Self> {
        let field = |name: &str| {
            let line = meminfo.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
            line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
        };
        Some(Memory { total: field("MemTotal")?, available: field("MemAvailable")? })
    }

    /// The least of it and of all those.
    fn within(self, groups: impl IntoIterator<Item = Memory>) -> Self {
        groups.into_iter().fold(self, |least, group| Memory {
            total: least.total.min(group.total),
            available: least.available.min(group.available),
        })
    }
}

/// The limits of the control groups that a process is in, and of those around them, by what its `/proc/self/cgroup` says
/// and where they are mounted.
fn control_groups(own: &str, mounted: &Path) -> Vec<Memory> {
    let groups = own.lines().filter_map(|line| {
        let (_, rest) = line.split_once(':')?;
        let (controllers, path) = rest.split_once(':')?;
        // The second version names no controllers.
        let (root, read): (PathBuf, fn(&Path) -> Option<Memory>) = match controllers {
            "" => (mounted.to_path_buf(), second_version),
            _ if controllers.split(',').any(|name| name == "memory") => (mounted.join("memory"), first_version),
            _ => return None,
        };
        Some((root, Path::new(path.trim_start_matches('/')), read))
    });
    // A group's limit counts for those inside it. In a container, the path may be one outside of it: then its own group is
    // where groups are mounted.
    groups.flat_map(|(root, path, read)| path.ancestors().filter_map(move |at| read(&root.join(at)))).collect()
}

fn second_version(group: &Path) -> Option<Memory> {
    // Above `high` a process is slowed down until it is of no use.
    let limits = ["memory.max", "memory.high"].into_iter().filter_map(|file| number(&group.join(file)));
    of_group(limits.min()?, &group.join("memory.current"), &group.join("memory.stat"), "inactive_file")
}

fn first_version(group: &Path) -> Option<Memory> {
    let limit = number(&group.join("memory.limit_in_bytes"))?;
    of_group(limit, &group.join("memory.usage_in_bytes"), &group.join("memory.stat"), "total_inactive_file")
}

/// Pages of files that nobody has used lately are given up for whoever asks.
fn of_group(total: u64, usage: &Path, stat: &Path, reclaimable: &str) -> Option<Memory> {
    let stat = std::fs::read_to_string(stat).unwrap_or_default();
    let inactive = stat.lines().find_map(|line| line.strip_prefix(reclaimable)?.trim().parse::<u64>().ok());
    let used = number(usage)?.saturating_sub(inactive.unwrap_or(0));
    Some(Memory { total, available: total.saturating_sub(used) })
}

/// None also for "max".
fn number(file: &Path) -> Option<u64> {
    std::fs::read_to_string(file).ok()?.trim().parse().ok()
}

/// How much memory the nodes of runs may take together.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum MemoryLimit {
    /// As much as they want.
    None,
    /// So many bytes.
    Bytes(u64),
    /// So many hundredths of what can be had at the beginning.
    Percent(f64),
}

impl MemoryLimit {
    /// In bytes; none: there is no limit, or the system does not tell what there is.
    pub(crate) fn bytes(self, memory: Option<Memory>) -> Option<u64> {
        match self {
            MemoryLimit::None => None,
            MemoryLimit::Bytes(bytes) => Some(bytes),
            MemoryLimit::Percent(percent) => memory.map(|memory| (memory.available as f64 * percent / 100.0) as u64),
        }
    }
}

/// Some is left for what is kept from run to run, and for other programs.
impl Default for MemoryLimit {
    fn default() -> Self {
        MemoryLimit::Percent(90.0)
    }
}

impl fmt::Display for MemoryLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            MemoryLimit::None => f.write_str("none"),
            MemoryLimit::Bytes(bytes) => f.write_str(&terminal::bytes(*bytes)),
            MemoryLimit::Percent(percent) => write!(f, "{percent}%"),
        }
    }
}

impl FromStr for MemoryLimit {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if text == "none" {
            return Ok(MemoryLimit::None);
        }
        let wrong = || format!("`{text}` is no amount of memory: write it like `8GiB`, `75%` or `none`");
        if let Some(percent) = text.strip_suffix('%') {
            let percent: f64 = percent.trim().parse().map_err(|_| wrong())?;
            return if percent > 0.0 && percent <= 100.0 {
                Ok(MemoryLimit::Percent(percent))
            } else {
                Err("it must be above 0% and at most 100%".into())
            };
        }
        let unit_at = text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len());
        let (amount, unit) = text.split_at(unit_at);
        let amount: f64 = amount.trim().parse().map_err(|_| wrong())?;
        let bytes = amount * unit_bytes(unit).ok_or_else(wrong)?;
        // Far beyond any machine, and what is no number at all.
        if !(1.0..1e18).contains(&bytes) {
            return Err(wrong());
        }
        Ok(MemoryLimit::Bytes(bytes as u64))
    }
}

fn unit_bytes(unit: &str) -> Option<f64> {
    const PREFIXES: &str = "kmgt";
    let unit = unit.to_ascii_lowercase();
    let mut letters = unit.chars();
    let power = match letters.next() {
        None => return Some(1.0),
        Some('b') if letters.as_str().is_empty() => return Some(1.0),
        Some(prefix) => PREFIXES.find(prefix)? as i32 + 1,
    };
    match letters.as_str() {
        "ib" | "" => Some(1024_f64.powi(power)),
        "b" => Some(1000_f64.powi(power)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn linux_tells_how_much_there_is() {
        let meminfo = "MemTotal:       16 kB\nMemFree: 1 kB\nMemAvailable:    8 kB\n";
        assert_eq!(Memory::parse(meminfo), Some(Memory { total: 16384, available: 8192 }));
        assert_eq!(Memory::parse("MemTotal: much"), None);
    }

    fn write(folder: &Path, files: &[(&str, &str)]) {
        for (file, text) in files {
            let path = folder.join(file);
            std::fs::create_dir_all(path.parent().expect("it is in a folder")).expect("it can be made");
            std::fs::write(path, text).expect("it can be written");
        }
    }

    #[test]
    fn the_limits_of_all_control_groups_count() {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        write(
            folder.path(),
            &[
                ("user/memory.max", "1000\n"),
                ("user/memory.high", "max\n"),
                ("user/memory.current", "700\n"),
                ("user/memory.stat", "anon 100\ninactive_file 200\n"),
                ("user/job/memory.max", "max\n"),
                ("user/job/memory.high", "800\n"),
                ("user/job/memory.current", "100\n"),
            ],
        );
        let groups = control_groups("0::/user/job\n", folder.path());
        assert_eq!(groups, [Memory { total: 800, available: 700 }, Memory { total: 1000, available: 500 }]);
        let machine = Memory { total: 5000, available: 600 };
        assert_eq!(machine.within(groups), Memory { total: 800, available: 500 });
    }

    #[test]
    fn control_groups_of_the_first_version_count_too() {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        write(
            folder.path(),
            &[
                ("memory/memory.limit_in_bytes", "4096\n"),
                ("memory/memory.usage_in_bytes", "1096\n"),
                ("memory/memory.stat", "cache 7\ntotal_inactive_file 96\n"),
                ("memory.max", "1\n"),
                ("memory.current", "1\n"),
            ],
        );
        // As seen in a container whose path is that outside of it.
        let groups = control_groups("12:cpu,cpuacct:/x\n4:memory:/docker/0123\n", folder.path());
        assert_eq!(groups, [Memory { total: 4096, available: 3096 }]);
        assert!(control_groups("nonsense\n1:name=systemd:/\n", folder.path()).is_empty());
    }

    #[test]
    fn limits_are_read_as_people_write_them() {
        let read = |text: &str| text.parse::<MemoryLimit>();
        for (text, bytes) in
            [("8GiB", 8 << 30), (" 1.5 gib", 3 << 29), ("512M", 512 << 20), ("2kB", 2000), ("77", 77), ("9b", 9)]
        {
            assert_eq!(read(text), Ok(MemoryLimit::Bytes(bytes)), "{text}");
        }
        assert_eq!(read("75%"), Ok(MemoryLimit::Percent(75.0)));
        assert_eq!(read("none"), Ok(MemoryLimit::None));
        for wrong in ["", "much", "8 XiB", "-1GiB", "0", "1e30", "NaN", "inf", "8GiBs", "%"] {
            let message = read(wrong).expect_err("it is none");
            assert!(message.contains("`8GiB`"), "{message}");
        }
        assert!(read("0%").is_err() && read("101%").is_err() && read("NaN%").is_err());
    }

    #[test]
    fn a_share_is_one_of_what_can_be_had() {
        let memory = Some(Memory { total: 4000, available: 1000 });
        assert_eq!(MemoryLimit::Percent(75.0).bytes(memory), Some(750));
        assert_eq!(MemoryLimit::Percent(75.0).bytes(None), None);
        assert_eq!(MemoryLimit::Bytes(5000).bytes(memory), Some(5000));
        assert_eq!(MemoryLimit::None.bytes(memory), None);
    }
}
