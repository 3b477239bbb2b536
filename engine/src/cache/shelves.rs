//! Items in order of use, by class; every operation takes constant time.

use super::score::CLASSES;

/// The place of an item; it keeps it until it is removed.
pub(super) type Place = u32;

const NOWHERE: Place = Place::MAX;

/// One doubly linked list per class, from the item used last to the one not used for longest.
pub(super) struct Shelves<T> {
    slots: Vec<Slot<T>>,
    /// Slots without an item.
    free: Vec<Place>,
    ends: Box<[Ends; CLASSES]>,
}

struct Slot<T> {
    item: Option<T>,
    class: usize,
    newer: Place,
    older: Place,
}

#[derive(Clone, Copy)]
struct Ends {
    newest: Place,
    oldest: Place,
}

impl<T> Shelves<T> {
    pub(super) fn new() -> Self {
        let empty = Ends { newest: NOWHERE, oldest: NOWHERE };
        Shelves { slots: Vec::new(), free: Vec::new(), ends: Box::new([empty; CLASSES]) }
    }

    /// Adds an item as the newest of its class. None if there are as many as can be counted.
    pub(super) fn add(&mut self, class: usize, item: T) -> Option<Place> {
        let slot = Slot { item: Some(item), class, newer: NOWHERE, older: NOWHERE };
        let place = match self.free.pop() {
            Some(place) => {
                self.slots[place as usize] = slot;
                place
            }
            None => {
                let place = Place::try_from(self.slots.len()).ok().filter(|place| *place != NOWHERE)?;
                self.slots.push(slot);
                place
            }
        };
        self.link(place);
        Some(place)
    }

    pub(super) fn get(&self, place: Place) -> Option<&T> {
        self.slots.get(place as usize)?.item.as_ref()
    }

    /// The item, which becomes the newest of its class.
    pub(super) fn touch(&mut self, place: Place) -> Option<&mut T> {
        self.get(place)?;
        self.unlink(place);
        self.link(place);
        self.slots[place as usize].item.as_mut()
    }

    pub(super) fn remove(&mut self, place: Place) -> Option<T> {
        let item = self.slots.get_mut(place as usize)?.item.take()?;
        self.unlink(place);
        self.free.push(place);
        Some(item)
    }

    /// The item of each class that was not used for longest.
    pub(super) fn oldest(&self) -> impl Iterator<Item = (Place, &T)> {
        self.ends.iter().filter_map(|ends| Some((ends.oldest, self.get(ends.oldest)?)))
    }

    /// All items, in no order.
    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        self.slots.iter().filter_map(|slot| slot.item.as_ref())
    }

    fn link(&mut self, place: Place) {
        let class = self.slots[place as usize].class;
        let older = self.ends[class].newest;
        self.slots[place as usize].newer = NOWHERE;
        self.slots[place as usize].older = older;
        self.ends[class].newest = place;
        match self.slots.get_mut(older as usize) {
            Some(slot) => slot.newer = place,
            None => self.ends[class].oldest = place,
        }
    }

    fn unlink(&mut self, place: Place) {
        let Slot { class, newer, older, .. } = self.slots[place as usize];
        match self.slots.get_mut(newer as usize) {
            Some(slot) => slot.older = older,
            None => self.ends[class].newest = older,
        }
        match self.slots.get_mut(older as usize) {
            Some(slot) => slot.newer = newer,
            None => self.ends[class].oldest = newer,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn places_are_used_again() {
        let mut shelves = Shelves::new();
        let first = shelves.add(0, 'a').expect("there is room");
        assert_eq!(shelves.remove(first), Some('a'));
        assert_eq!((shelves.remove(first), shelves.touch(first)), (None, None));
        assert_eq!(shelves.add(1, 'b'), Some(first));
        assert_eq!(shelves.oldest().map(|(_, item)| *item).collect::<String>(), "b");
    }

    proptest! {
        /// Against lists that are searched: whatever happens, the order is that of use.
        #[test]
        fn the_order_is_that_of_use(moves in prop::collection::vec((0..3_usize, 0..3_usize, 0..8_usize), 0..60)) {
            let mut shelves = Shelves::new();
            let mut plain: Vec<Vec<(Place, usize)>> = vec![Vec::new(); 3];
            for (number, (what, class, at)) in moves.into_iter().enumerate() {
                let list = &mut plain[class];
                match what {
                    0 => list.push((shelves.add(class, number).expect("there is room"), number)),
                    _ if list.is_empty() => {}
                    1 => {
                        let entry = list.remove(at % list.len());
                        prop_assert_eq!(shelves.touch(entry.0).copied(), Some(entry.1));
                        list.push(entry);
                    }
                    _ => {
                        let entry = list.remove(at % list.len());
                        prop_assert_eq!(shelves.remove(entry.0), Some(entry.1));
                    }
                }
                let oldest: Vec<_> = shelves.oldest().map(|(place, item)| (place, *item)).collect();
                let expected: Vec<_> = plain.iter().filter_map(|list| list.first().copied()).collect();
                prop_assert_eq!(oldest, expected);
                prop_assert_eq!(shelves.iter().count(), plain.iter().map(Vec::len).sum::<usize>());
            }
        }
    }
}
