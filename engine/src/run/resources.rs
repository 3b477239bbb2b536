//! What runs share of the machine: lanes to compute on, memory, and devices. Whoever waits longest comes first.

use std::collections::{BTreeSet, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use crate::event::Seat;
use crate::spec::Lanes;

/// The machine as runs share it. A node starts when what it needs is free, and gives it back when it ends.
///
/// ```
/// use easel_engine::Resources;
///
/// let resources = Resources::new(8, Some(16 << 30));
/// assert_eq!(resources.lanes(), 8);
/// ```
pub struct Resources {
    lanes: usize,
    memory: Option<u64>,
    taken: Mutex<Taken>,
}

#[derive(Default)]
struct Taken {
    /// By their numbers.
    lanes: BTreeSet<usize>,
    memory: u64,
    /// As [`InUse::foreseen`].
    foreseen: u64,
    /// As [`InUse::untold`].
    untold: usize,
    /// On which a node computes, and what that said it would take there.
    devices: Vec<(Arc<str>, u64)>,
    /// Runs under way, each told when it may be its turn.
    guests: Vec<(u64, Weak<dyn Waiting>)>,
    last_guest: u64,
    /// Who was refused, the first at the front: nobody takes what somebody before them waits for. Without a line, a node
    /// that wants all lanes could wait for ever while another run's small ones come and go.
    line: VecDeque<Ticket>,
}

/// What nodes have taken of the machine at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InUse {
    /// Lanes.
    pub lanes: usize,
    /// Bytes of memory that nodes said beforehand they would need; 0 where memory is not counted.
    pub memory: u64,
    /// The same, counted or not.
    pub foreseen: u64,
    /// How many nodes that compute could not tell what memory they would need.
    pub untold: usize,
    /// Devices on which a node computes, and the bytes of their memory that it said it would take.
    pub devices: Vec<(Arc<str>, u64)>,
}

/// A place in the line. A run has one for each [`Want`] at the most.
struct Ticket {
    guest: u64,
    lanes: usize,
    memory: u64,
    device: Option<Arc<str>>,
}

/// A run that may be waiting for something to be given back.
pub(super) trait Waiting: Send + Sync {
    fn try_again(&self);
}

/// What a node needs while it runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Need {
    pub(super) lanes: Lanes,
    /// Bytes; none: it could not tell.
    pub(super) memory: Option<u64>,
    /// The device that it computes on, if that has memory of its own, and the bytes that it takes there: one node at a time
    /// does, so that what each was told of that memory is true, and those that follow on its stream do not wait for it in
    /// vain.
    pub(super) device: Option<(Arc<str>, u64)>,
}

/// What nodes wait for apart from memory: of those that wait for the same, only the first is looked at, so that who needs
/// much is not overtaken for ever by those who need little.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Want {
    Nothing,
    Lanes,
    Device(Arc<str>),
}

impl Need {
    pub(super) fn want(&self) -> Want {
        match (&self.device, self.lanes) {
            (Some((device, _)), _) => Want::Device(Arc::clone(device)),
            (None, Lanes::None) => Want::Nothing,
            (None, Lanes::One | Lanes::All) => Want::Lanes,
        }
    }
}

/// A run's share in the machine.
pub(super) struct Guest {
    resources: Arc<Resources>,
    id: u64,
    /// It left the line, so that those behind it should look.
    has_left: AtomicBool,
}

/// Something taken; given back when dropped.
pub(super) struct Permit {
    resources: Arc<Resources>,
    guest: u64,
    /// What of the memory is counted.
    counted: u64,
    seat: Seat,
}

impl Resources {
    /// So many lanes (at least one), and so many bytes for those nodes that say beforehand what they need.
    pub fn new(lanes: usize, memory: Option<u64>) -> Self {
        Resources { lanes: lanes.max(1), memory, taken: Mutex::default() }
    }

    /// A lane for each processor that this process may use; memory is not counted.
    pub fn of_this_machine() -> Self {
        Self::new(std::thread::available_parallelism().map_or(1, usize::from), None)
    }

    /// The same with so many bytes of memory; none: it is not counted.
    pub fn with_memory(mut self, memory: Option<u64>) -> Self {
        self.memory = memory;
        self
    }

    /// How many nodes may compute at once.
    pub fn lanes(&self) -> usize {
        self.lanes
    }

    /// How many bytes nodes may need at once.
    pub fn memory(&self) -> Option<u64> {
        self.memory
    }

    /// What nodes have taken of it now.
    pub fn in_use(&self) -> InUse {
        let taken = self.lock();
        let Taken { memory, foreseen, untold, .. } = *taken;
        InUse { lanes: taken.lanes.len(), memory, foreseen, untold, devices: taken.devices.clone() }
    }

    /// A share for one more run.
    pub(super) fn enter(self: Arc<Self>) -> Guest {
        let mut taken = self.lock();
        taken.last_guest += 1;
        let id = taken.last_guest;
        drop(taken);
        Guest { resources: self, id, has_left: AtomicBool::new(false) }
    }

    /// Tells those that stand in line, but not `guest`, to look again. They lock themselves: nobody who calls this may
    /// hold the lock of a run.
    fn tell_others(&self, guest: u64) {
        let waiting: Vec<_> = {
            let taken = self.lock();
            let stands_in_line = |id: u64| taken.line.iter().any(|ticket| ticket.guest == id);
            let others = taken.guests.iter().filter(|(id, _)| *id != guest && stands_in_line(*id));
            others.filter_map(|(_, run)| run.upgrade()).collect()
        };
        waiting.iter().for_each(|run| run.try_again());
    }

    /// Counts that are each changed in one go are whole after a panic too.
    fn lock(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Guest {
    /// As [`Resources::lanes`].
    pub(super) fn lanes(&self) -> usize {
        self.resources.lanes
    }

    /// As [`Resources::memory`].
    pub(super) fn memory(&self) -> Option<u64> {
        self.resources.memory
    }

    /// Tells `run` whenever what it was refused may be free.
    pub(super) fn tell(&self, run: Weak<dyn Waiting>) {
        let mut taken = self.resources.lock();
        taken.guests.retain(|(_, guest)| guest.strong_count() > 0);
        taken.guests.push((self.id, run));
    }

    /// Takes what is needed, if all of it is free and nobody else has waited longer for any of it. Who is refused stands
    /// in line until it takes something or withdraws.
    pub(super) fn try_take(&self, need: &Need) -> Option<Permit> {
        let lanes = match need.lanes {
            Lanes::None => 0,
            Lanes::One => 1,
            Lanes::All => self.resources.lanes,
        };
        // Where memory is not counted nobody waits for it.
        let (guest, memory) = (self.id, self.resources.memory.and(need.memory).unwrap_or(0));
        let device = need.device.as_ref().map(|(device, _)| Arc::clone(device));
        let permit = |lane| {
            let device = device.clone().unwrap_or_else(|| Seat::HOST.into());
            let device_memory = need.device.as_ref().map(|(_, bytes)| *bytes);
            let seat = Seat { device, lane, lanes, memory: need.memory, device_memory };
            Permit { resources: Arc::clone(&self.resources), guest, counted: memory, seat }
        };
        if lanes == 0 && memory == 0 && device.is_none() {
            return Some(permit(0));
        }
        let wanted = Ticket { guest, lanes, memory, device: device.clone() };
        let mut taken = self.resources.lock();
        let place = taken.line.iter().position(|ticket| ticket.is_same(&wanted));
        if !taken.has_room(&self.resources, &wanted) || taken.is_due_to_another(&wanted, place) {
            match place {
                Some(place) => taken.line[place] = wanted,
                None => taken.line.push_back(wanted),
            }
            return None;
        }
        if let Some(place) = place {
            taken.line.remove(place);
            self.has_left.store(true, Ordering::Relaxed);
        }
        let permit = permit(if lanes == 0 { 0 } else { taken.free_lane() });
        taken.take(&permit);
        Some(permit)
    }

    /// It wants nothing any more: it stands in nobody's way.
    pub(super) fn withdraw(&self) {
        let mut taken = self.resources.lock();
        let before = taken.line.len();
        taken.line.retain(|ticket| ticket.guest != self.id);
        if taken.line.len() < before {
            self.has_left.store(true, Ordering::Relaxed);
        }
    }

    /// Tells those behind it in line that it left. Not to be called while the run is locked.
    pub(super) fn hand_on(&self) {
        if self.has_left.swap(false, Ordering::Relaxed) {
            self.resources.tell_others(self.id);
        }
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        self.withdraw();
        self.hand_on();
    }
}

impl Taken {
    /// The first lane that nobody holds.
    fn free_lane(&self) -> usize {
        (0..).find(|lane| !self.lanes.contains(lane)).unwrap_or(0)
    }

    fn take(&mut self, Permit { counted, seat, .. }: &Permit) {
        self.lanes.extend(seat.lane..seat.lane + seat.lanes);
        self.memory = self.memory.saturating_add(*counted);
        self.foreseen = self.foreseen.saturating_add(seat.memory.unwrap_or(0));
        self.untold += usize::from(seat.is_untold());
        self.devices.extend(seat.device_memory.map(|bytes| (Arc::clone(&seat.device), bytes)));
    }

    fn give_back(&mut self, Permit { counted, seat, .. }: &Permit) {
        self.lanes.retain(|lane| !(seat.lane..seat.lane + seat.lanes).contains(lane));
        self.memory = self.memory.saturating_sub(*counted);
        self.foreseen = self.foreseen.saturating_sub(seat.memory.unwrap_or(0));
        self.untold -= usize::from(seat.is_untold());
        if seat.device_memory.is_some() {
            self.devices.retain(|(device, _)| *device != seat.device);
        }
    }

    fn computes(&self, device: &Arc<str>) -> bool {
        self.devices.iter().any(|(busy, _)| busy == device)
    }

    fn has_room(&self, resources: &Resources, wanted: &Ticket) -> bool {
        let fits = resources.memory.is_none_or(|memory| self.memory.saturating_add(wanted.memory) <= memory);
        // What fits nowhere at least does not share: to refuse it is for those who know what it is.
        let is_free = wanted.device.as_ref().is_none_or(|device| !self.computes(device));
        is_free && self.lanes.len() + wanted.lanes <= resources.lanes && (fits || self.memory == 0)
    }

    /// Whether another run, in line before that place, waits for some of it.
    fn is_due_to_another(&self, wanted: &Ticket, place: Option<usize>) -> bool {
        let before = self.line.iter().take(place.unwrap_or(usize::MAX));
        // Who waits for a device on which another computes has no use for anything else meanwhile.
        let could_go = |ticket: &Ticket| ticket.device.as_ref().is_none_or(|device| !self.computes(device));
        before
            .filter(|ticket| ticket.guest != wanted.guest)
            .any(|ticket| ticket.contends(wanted) && (could_go(ticket) || ticket.device == wanted.device))
    }
}

impl Ticket {
    fn is_same(&self, other: &Ticket) -> bool {
        (self.guest, self.lanes > 0, &self.device) == (other.guest, other.lanes > 0, &other.device)
    }

    fn contends(&self, other: &Ticket) -> bool {
        (self.lanes > 0 && other.lanes > 0)
            || (self.memory > 0 && other.memory > 0)
            || (self.device.is_some() && self.device == other.device)
    }
}

impl Permit {
    pub(super) fn seat(&self) -> &Seat {
        &self.seat
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if self.seat.lanes == 0 && self.counted == 0 && self.seat.device_memory.is_none() {
            return;
        }
        let mut taken = self.resources.lock();
        taken.give_back(self);
        let has_line = !taken.line.is_empty();
        drop(taken);
        // Its own run looks again anyway when a node of it ends.
        if has_line {
            self.resources.tell_others(self.guest);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;

    fn need(lanes: Lanes, memory: u64) -> Need {
        Need { lanes, memory: Some(memory), device: None }
    }

    fn on(device: &str) -> Need {
        Need { device: Some((device.into(), 7)), ..need(Lanes::One, 0) }
    }

    fn guests<const COUNT: usize>(lanes: usize, memory: Option<u64>) -> [Guest; COUNT] {
        let resources = Arc::new(Resources::new(lanes, memory));
        std::array::from_fn(|_| Arc::clone(&resources).enter())
    }

    #[derive(Default)]
    struct Counted(AtomicUsize);

    impl Waiting for Counted {
        fn try_again(&self) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// How often a guest is told from now on.
    fn told(guest: &Guest) -> Arc<Counted> {
        let counted = Arc::new(Counted::default());
        let weak: Weak<dyn Waiting> = Arc::<Counted>::downgrade(&counted);
        guest.tell(weak);
        counted
    }

    #[test]
    fn what_is_taken_is_given_back() {
        let [guest] = guests(2, Some(100));
        let one = guest.try_take(&need(Lanes::One, 60)).expect("it is free");
        assert!(guest.try_take(&need(Lanes::All, 0)).is_none(), "a lane is taken");
        assert!(guest.try_take(&need(Lanes::One, 60)).is_none(), "only 40 bytes are left");
        let other = guest.try_take(&need(Lanes::One, 40)).expect("that fits");
        assert!(guest.try_take(&need(Lanes::One, 0)).is_none(), "no lane is left");
        assert!(guest.try_take(&need(Lanes::None, 0)).is_some(), "who only waits needs none");
        assert_eq!(guest.resources.in_use(), InUse { lanes: 2, memory: 100, foreseen: 100, ..InUse::default() });
        drop((one, other));
        assert_eq!(guest.resources.in_use(), InUse::default());
        assert!(guest.try_take(&need(Lanes::All, 0)).is_some());
    }

    #[test]
    fn who_computes_has_lanes_of_its_own_and_says_which() {
        let [guest, other] = guests(3, None);
        let lane = |guest: &Guest| guest.try_take(&need(Lanes::One, 5)).expect("one is free");
        let (first, second, third) = (lane(&guest), lane(&other), lane(&guest));
        assert_eq!([&first, &second, &third].map(|permit| permit.seat().lane), [0, 1, 2]);
        drop(second);
        assert_eq!(lane(&guest).seat().lane, 1, "the first that is free");
        drop((first, third));
        let all = other.try_take(&need(Lanes::All, 0)).expect("all are free");
        assert_eq!((all.seat().lane, all.seat().lanes, &*all.seat().device), (0, 3, Seat::HOST));
        drop(all);
        let told = other.try_take(&on("abacus:1")).expect("it is free");
        let seat = Seat { device: "abacus:1".into(), lane: 0, lanes: 1, memory: Some(0), device_memory: Some(7) };
        assert_eq!(told.seat(), &seat);
        assert_eq!(guest.resources.in_use().devices, [("abacus:1".into(), 7)]);
    }

    #[test]
    fn what_is_foreseen_is_known_where_memory_is_not_counted_and_what_is_not_told_is_no_nought() {
        let [guest] = guests(2, None);
        let told = guest.try_take(&need(Lanes::One, 60)).expect("it is free");
        let silent = guest.try_take(&Need { memory: None, ..need(Lanes::One, 0) }).expect("it is free");
        assert_eq!(silent.seat().memory, None);
        let in_use = InUse { lanes: 2, foreseen: 60, untold: 1, ..InUse::default() };
        assert_eq!(guest.resources.in_use(), in_use);
        drop((told, silent));
        assert_eq!(guest.resources.in_use(), InUse::default());
    }

    #[test]
    fn what_fits_nowhere_runs_alone() {
        let [guest] = guests(2, Some(100));
        let huge = guest.try_take(&need(Lanes::One, 1_000)).expect("nothing else is there");
        assert!(guest.try_take(&need(Lanes::One, 1)).is_none());
        drop(huge);
        assert!(guest.try_take(&need(Lanes::One, 1)).is_some());
    }

    #[test]
    fn memory_that_is_not_counted_is_there_for_everybody() {
        let [first, second] = guests(2, None);
        let heard = told(&second);
        let huge = (first.try_take(&need(Lanes::One, u64::MAX)), second.try_take(&need(Lanes::One, u64::MAX)));
        assert!(huge.0.is_some() && huge.1.is_some());
        assert!(second.try_take(&need(Lanes::One, 1)).is_none(), "it waits for a lane");
        assert!(first.try_take(&need(Lanes::None, 1)).is_some(), "and for nothing else");
        drop(huge.0);
        assert_eq!(heard.0.load(Ordering::Relaxed), 1);
        drop(huge.1);
        assert!(first.try_take(&need(Lanes::None, u64::MAX)).is_some());
    }

    #[test]
    fn who_wants_all_lanes_is_not_overtaken_by_another_run() {
        let [greedy, busy] = guests(2, None);
        let heard = (told(&greedy), told(&busy));
        let first = busy.try_take(&need(Lanes::One, 0)).expect("it is free");
        assert!(greedy.try_take(&need(Lanes::All, 0)).is_none());
        assert!(busy.try_take(&need(Lanes::One, 0)).is_none(), "the other waits for that lane");
        assert!(busy.try_take(&need(Lanes::None, 7)).is_some(), "nobody waits for memory");
        drop(first);
        assert!(heard.0.0.load(Ordering::Relaxed) > 0, "the first in line is told");
        let all = greedy.try_take(&need(Lanes::All, 0)).expect("it is its turn");
        assert!(greedy.try_take(&need(Lanes::All, 0)).is_none());
        let before = heard.1.0.load(Ordering::Relaxed);
        drop(all);
        assert!(heard.1.0.load(Ordering::Relaxed) > before, "the other is told");
        assert!(greedy.try_take(&need(Lanes::All, 0)).is_none(), "now the other has waited longer");
        let one = busy.try_take(&need(Lanes::One, 0)).expect("it is its turn");
        assert!(busy.try_take(&need(Lanes::One, 0)).is_none());
        drop(one);
        assert!(greedy.try_take(&need(Lanes::All, 0)).is_some());
    }

    #[test]
    fn who_takes_its_turn_or_withdraws_lets_those_behind_it_look() {
        let [first, second, third] = guests(4, Some(100));
        let heard = (told(&second), told(&third));
        let held = first.try_take(&need(Lanes::One, 60)).expect("it is free");
        assert!(second.try_take(&need(Lanes::One, 80)).is_none());
        assert!(third.try_take(&need(Lanes::One, 10)).is_none(), "the second waits for memory");
        second.withdraw();
        second.hand_on();
        assert_eq!(heard.1.0.load(Ordering::Relaxed), 1);
        assert!(third.try_take(&need(Lanes::One, 10)).is_some(), "nobody is before it");
        assert!(second.try_take(&need(Lanes::One, 80)).is_none());
        drop((held, first, second));
        assert_eq!(heard.0.0.load(Ordering::Relaxed), 1, "told when memory came free");
        assert!(third.try_take(&need(Lanes::All, 100)).is_some(), "those who are gone stand in nobody's way");
    }

    #[test]
    fn one_node_at_a_time_computes_on_a_device() {
        let [first, second] = guests(4, None);
        let heard = told(&second);
        let held = first.try_take(&on("abacus:0")).expect("it is free");
        assert!(first.try_take(&on("abacus:0")).is_none());
        assert!(second.try_take(&on("abacus:0")).is_none());
        assert!(second.try_take(&on("abacus:1")).is_some(), "that is another one");
        first.withdraw();
        drop(held);
        assert_eq!(heard.0.load(Ordering::Relaxed), 1);
        let theirs = second.try_take(&on("abacus:0")).expect("it is free again");
        assert!(second.try_take(&need(Lanes::One, 0)).is_some(), "lanes are left for those that compute here");
        drop(theirs);
        assert!(first.try_take(&on("abacus:0")).is_some());
    }

    #[test]
    fn a_run_is_not_in_its_own_way() {
        let [guest] = guests(2, Some(100));
        let _held = guest.try_take(&need(Lanes::One, 60)).expect("it is free");
        assert!(guest.try_take(&need(Lanes::None, 60)).is_none());
        assert!(guest.try_take(&need(Lanes::One, 20)).is_some(), "its own nodes are in no line");
    }
}
