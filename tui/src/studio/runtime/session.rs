//! The settings of the session, which all that check and run texts share.

use std::sync::{Arc, Mutex, PoisonError};

use easel_engine::Settings;

/// Settings that become others while the studio is open.
#[derive(Clone, Debug)]
pub(super) struct Session(Arc<Mutex<Settings>>);

impl Session {
    pub(super) fn new(settings: Settings) -> Self {
        Session(Arc::new(Mutex::new(settings)))
    }

    /// As they are now.
    pub(super) fn now(&self) -> Settings {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// An input is not set any more.
    pub(super) fn unset(&self, input: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).set.retain(|(name, _)| name != input);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_unset_is_unset_for_all() {
        let set = vec![("prompt".into(), "a cat".into()), ("seed".into(), "1".into())];
        let session = Session::new(Settings { set, ..Settings::default() });
        let other = session.clone();
        session.unset("prompt");
        assert_eq!(other.now().set, [("seed".to_string(), "1".to_string())]);
    }
}
