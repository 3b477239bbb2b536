//! Lists of values of one kind.

use std::any::Any;

use super::{Encoder, Erased, Fingerprint, FingerprintHasher, Kind, Value};

/// Values of one kind, in order. A list of lists is a list whose elements are lists.
#[derive(Clone, Debug)]
pub struct List {
    element: Kind,
    items: Vec<Value>,
}

impl List {
    /// A list of `items`, all of kind `element`; none if one of them is of another.
    ///
    /// ```
    /// use easel_engine::{List, Value, kinds};
    ///
    /// let list = List::new(kinds::INTEGER, vec![Value::new(1_i64), Value::new(2_i64)]).expect("they are integers");
    /// assert_eq!(Value::from(list).kind(), kinds::INTEGER_LIST);
    /// assert!(List::new(kinds::INTEGER, vec![Value::new(1.5)]).is_none());
    /// ```
    pub fn new(element: Kind, items: Vec<Value>) -> Option<Self> {
        items.iter().all(|item| item.kind() == element).then_some(List { element, items })
    }

    /// The same where the caller knows the kinds.
    pub(crate) fn of_kind(element: Kind, items: Vec<Value>) -> Self {
        debug_assert!(items.iter().all(|item| item.kind() == element));
        List { element, items }
    }

    /// The kind of its elements.
    pub fn element_kind(&self) -> Kind {
        self.element
    }

    /// Its elements.
    pub fn items(&self) -> &[Value] {
        &self.items
    }

    /// The fingerprint of a list of that kind whose elements have these: its content is theirs, so that no element is
    /// hashed twice, and none needs to be there. None if one equals nothing.
    pub(crate) fn fingerprint_of(
        element: Kind,
        items: impl ExactSizeIterator<Item = Option<Fingerprint>>,
    ) -> Option<Fingerprint> {
        let mut hasher = FingerprintHasher::new("easel value");
        element.list().hash_into(&mut hasher);
        hasher.number(items.len() as u64);
        for item in items {
            hasher.fingerprint(&item?);
        }
        Some(hasher.finish())
    }
}

impl Erased for List {
    fn summary(&self) -> String {
        const SHOWN: usize = 3;
        let shown: Vec<_> = self.items.iter().take(SHOWN).map(Value::summary).collect();
        match self.items.len() {
            count if count > SHOWN => format!("[{}, …] ({count} in all)", shown.join(", ")),
            _ => format!("[{}]", shown.join(", ")),
        }
    }

    fn encode(&self, encoder: &mut Encoder<'_>) {
        encoder.number(self.items.len() as u64);
        for item in &self.items {
            encoder.bytes(&item.encode());
        }
    }

    fn size(&self) -> usize {
        size_of::<List>() + self.items.iter().map(|item| size_of::<Value>() + item.size()).sum::<usize>()
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
