//! The memory that a node takes.

use crate::size::{self, bytes};

/// Memory that a node takes at the most while it runs, by place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MemoryNeed {
    /// Bytes of this machine's memory, of which all nodes that run at once must have theirs.
    pub host: u64,
    /// That of the device that it computes on, if that has memory of its own. One node at a time computes on a device, so
    /// that none waits for what another has of it. Besides, it takes one lane, whatever its spec says.
    pub device: Option<DeviceNeed>,
}

/// Memory of a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceNeed {
    /// The device, for messages.
    pub device: String,
    /// Bytes that the node takes of it.
    pub bytes: u64,
    /// Bytes of it that there are for this process now.
    pub available: u64,
    /// All bytes of it.
    pub total: u64,
}

impl MemoryNeed {
    /// So many bytes of this machine's memory.
    pub fn host(bytes: u64) -> Self {
        MemoryNeed { host: bytes, device: None }
    }

    /// What there is too little of, if `limit` is how much memory this machine has for nodes. Where memory is not counted, a
    /// plan may be for later, or for whatever may come free: then a device is only asked for what it can never give.
    pub(crate) fn lack(&self, limit: Option<u64>) -> Option<Lack> {
        let host = limit.filter(|limit| self.host > *limit).map(|limit| Lack {
            wanted: bytes(self.host),
            sentence: format!("needs {} of memory, but there are {}", bytes(self.host), bytes(limit)),
            hint: size::TOO_MUCH,
        });
        let on_device = || {
            let &DeviceNeed { ref device, bytes: wanted, available, total } = self.device.as_ref()?;
            let (there, but) = match limit {
                Some(_) => (available, format!("but {} of its {} are free", bytes(available), bytes(total))),
                None => (total, format!("which has {}", bytes(total))),
            };
            (wanted > there).then(|| Lack {
                wanted: bytes(wanted),
                sentence: format!("needs {} of memory on {device}, {but}", bytes(wanted)),
                hint: size::TOO_MUCH_FOR_A_DEVICE,
            })
        };
        host.or_else(on_device)
    }
}

/// Too little memory for a node.
pub(crate) struct Lack {
    /// How much it wants, in words.
    pub(crate) wanted: String,
    /// What is wrong, without the node before it.
    pub(crate) sentence: String,
    /// What to do about it.
    pub(crate) hint: &'static str,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_place_is_held_against_what_it_has() {
        let need = |host, on_device| MemoryNeed {
            host,
            device: Some(DeviceNeed {
                device: "abacus:0".into(),
                bytes: on_device,
                available: 3 << 30,
                total: 8 << 30,
            }),
        };
        let sentence = |need: MemoryNeed, limit| need.lack(limit).map(|lack| lack.sentence);
        assert_eq!(sentence(need(2 << 30, 3 << 30), Some(2 << 30)), None);
        assert_eq!(sentence(need(u64::MAX, 8 << 30), None), None, "memory is not counted");
        let never = sentence(need(1, 9 << 30), None);
        assert_eq!(never.as_deref(), Some("needs 9.0 GiB of memory on abacus:0, which has 8.0 GiB"));
        let short = sentence(need(1 << 30, 9 << 30), Some(2 << 30));
        assert_eq!(short.as_deref(), Some("needs 9.0 GiB of memory on abacus:0, but 3.0 GiB of its 8.0 GiB are free"));
        let short = sentence(need(3 << 30, 1), Some(2 << 30));
        assert_eq!(short.as_deref(), Some("needs 3.0 GiB of memory, but there are 2.0 GiB"));
    }
}
