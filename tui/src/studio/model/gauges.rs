//! How busy the machine is while a run is under way.

use std::collections::VecDeque;

/// More of the past is not shown.
const MOST: usize = 240;

/// The machine at one moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Sample {
    /// Lanes on which nodes compute, and all lanes.
    pub(crate) lanes: (usize, usize),
    /// Processors that this process keeps busy; none if the system does not tell.
    pub(crate) processors: Option<f64>,
    /// Bytes of memory that this process has; none if the system does not tell.
    pub(crate) memory: Option<u64>,
    /// What the nodes that compute now said beforehand they would need.
    pub(crate) foreseen: Foreseen,
    /// Bytes that nodes may need together; none: they are not counted.
    pub(crate) limit: Option<u64>,
    /// The GPUs.
    pub(crate) devices: Vec<DeviceSample>,
    /// The memory of devices on which nodes computed, by the names that workflows have for them.
    pub(crate) used: Vec<DeviceUse>,
}

/// Bytes of this machine's memory that nodes said beforehand they would need.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Foreseen {
    /// Those that said so, together.
    pub(crate) bytes: u64,
    /// How many could not tell.
    pub(crate) untold: usize,
}

/// The memory of a device on which a node computes, or did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct DeviceUse {
    /// As workflows name it.
    pub(crate) device: String,
    /// Bytes that are taken, by whomever, and all; none: it does not tell.
    pub(crate) memory: Option<(u64, u64)>,
    /// Bytes that the node which computes there now said it would take; none: there is none.
    pub(crate) foreseen: Option<u64>,
}

/// A GPU at one moment, whoever uses it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct DeviceSample {
    /// What it is called.
    pub(crate) name: String,
    /// Bytes of its memory that are taken, and all.
    pub(crate) memory: (u64, u64),
    /// Hundredths of the time that it computes.
    pub(crate) busy: Option<u32>,
    /// Degrees Celsius.
    pub(crate) degrees: Option<u32>,
}

/// What the machine was like lately.
#[derive(Clone, Debug, Default)]
pub(crate) struct Gauges {
    samples: VecDeque<Sample>,
}

impl Gauges {
    /// One more.
    pub(crate) fn add(&mut self, sample: Sample) {
        if self.samples.len() == MOST {
            self.samples.pop_front();
        }
        self.samples.push_back(sample);
    }

    /// The newest.
    pub(crate) fn newest(&self) -> Option<&Sample> {
        self.samples.back()
    }

    /// The newest so many of a figure, each from 0 to 1, oldest first.
    pub(crate) fn history(&self, most: usize, of: impl Fn(&Sample) -> Option<f64>) -> Vec<f64> {
        let skipped = self.samples.len().saturating_sub(most);
        let figures = self.samples.iter().skip(skipped).filter_map(of);
        figures.map(|figure| if figure.is_finite() { figure.clamp(0.0, 1.0) } else { 0.0 }).collect()
    }

    /// The most memory that this process had lately.
    pub(crate) fn most_memory(&self) -> u64 {
        self.samples.iter().filter_map(|sample| sample.memory).max().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_past_is_bounded_and_its_figures_are_parts() {
        let mut gauges = Gauges::default();
        for number in 0..MOST + 9 {
            gauges.add(Sample { lanes: (number, 100), memory: Some(number as u64), ..Sample::default() });
        }
        assert_eq!(gauges.newest().map(|sample| sample.lanes.0), Some(MOST + 8));
        let busy = |sample: &Sample| Some(sample.lanes.0 as f64 / sample.lanes.1 as f64);
        assert_eq!(gauges.history(2, busy), [1.0, 1.0], "more than all is all");
        assert_eq!(gauges.history(usize::MAX, busy).len(), MOST);
        assert_eq!(gauges.history(1, |_| Some(f64::NAN)), [0.0]);
        assert_eq!(gauges.most_memory(), MOST as u64 + 8);
    }
}
