//! What a plugin gets from the host: ways to say something, and nothing else.
//!
//! What it says is kept until the next look at it: no call out of a plugin waits for anything, and however often it says
//! something, a bounded amount is kept.

use wasmi::errors::HostError;
use wasmi::{Caller, Engine, Extern, Linker, ResourceLimiter};
use wasmi_core::LimiterError;

use super::abi;
use super::sandbox::Fault;

/// Something that a plugin says to the user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Telling {
    Warning(String),
    /// Key, value.
    Note(String, String),
}

/// The host as one instance of a plugin sees it.
#[derive(Default)]
pub(super) struct Host {
    progress: Option<(usize, usize)>,
    tellings: Vec<Telling>,
    told: usize,
    memory_refused: bool,
}

/// Why a function of the host ends the plugin that called it.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Refused(pub(super) Fault);

impl HostError for Refused {}

impl Host {
    /// How far the plugin says that it is, if it said so since the last time.
    pub(super) fn take_progress(&mut self) -> Option<(usize, usize)> {
        self.progress.take()
    }

    /// What else it said since the last time.
    pub(super) fn take_tellings(&mut self) -> Vec<Telling> {
        std::mem::take(&mut self.tellings)
    }

    /// Whether it wanted more memory than it may have.
    pub(super) fn memory_refused(&self) -> bool {
        self.memory_refused
    }

    fn tell(&mut self, telling: Telling) {
        self.told += 1;
        if self.told <= abi::MAX_TELLINGS {
            self.tellings.push(telling);
        } else if self.told == abi::MAX_TELLINGS + 1 {
            let warning = format!("it said more than {} things; the rest is left out", abi::MAX_TELLINGS);
            self.tellings.push(Telling::Warning(warning));
        }
    }
}

/// What cannot get its memory gives up sooner or later; if it is ended right away, the reason is known. The interpreter's own
/// limiter would take a growth for refused that only has to wait until it is paid for.
impl ResourceLimiter for Host {
    fn memory_growing(&mut self, _: usize, desired: usize, maximum: Option<usize>) -> Result<bool, LimiterError> {
        let allowed = within(desired, abi::MAX_MEMORY, maximum);
        self.memory_refused |= allowed.is_err();
        allowed
    }

    fn table_growing(&mut self, _: usize, desired: usize, maximum: Option<usize>) -> Result<bool, LimiterError> {
        within(desired, abi::MAX_TABLE, maximum)
    }

    fn instances(&self) -> usize {
        1
    }

    fn tables(&self) -> usize {
        1
    }

    fn memories(&self) -> usize {
        1
    }
}

fn within(desired: usize, limit: usize, maximum: Option<usize>) -> Result<bool, LimiterError> {
    if desired <= limit && maximum.is_none_or(|maximum| desired <= maximum) {
        return Ok(true);
    }
    Err(LimiterError::ResourceLimiterDeniedAllocation)
}

/// All that a plugin can import.
pub(super) fn linker(engine: &Engine) -> Result<Linker<Host>, wasmi::Error> {
    let mut linker = Linker::new(engine);
    linker.func_wrap(abi::IMPORTS, "progress", |mut caller: Caller<'_, Host>, step: i32, steps: i32| {
        let count = |number: i32| number.cast_unsigned() as usize;
        caller.data_mut().progress = Some((count(step), count(steps)));
    })?;
    linker.func_wrap(abi::IMPORTS, "warn", |mut caller: Caller<'_, Host>, place: i32, length: i32| {
        let text = text(&caller, "a warning", place, length)?;
        caller.data_mut().tell(Telling::Warning(text));
        Ok::<_, wasmi::Error>(())
    })?;
    linker.func_wrap(
        abi::IMPORTS,
        "note",
        |mut caller: Caller<'_, Host>, key: i32, key_length: i32, value: i32, value_length: i32| {
            let key = text(&caller, "the key of a note", key, key_length)?;
            let value = text(&caller, "a note", value, value_length)?;
            caller.data_mut().tell(Telling::Note(key, value));
            Ok::<_, wasmi::Error>(())
        },
    )?;
    linker.func_wrap(abi::IMPORTS, "panic", |caller: Caller<'_, Host>, place: i32, length: i32| {
        let reason = text(&caller, "the reason of a panic", place, length)?;
        Err::<(), _>(wasmi::Error::host(Refused(Fault::Panic(reason))))
    })?;
    Ok(linker)
}

/// A text in the memory of the caller. What is no UTF-8 is replaced; what is too long is cut off.
fn text(caller: &Caller<'_, Host>, what: &'static str, place: i32, length: i32) -> Result<String, wasmi::Error> {
    let memory = caller.get_export(abi::MEMORY).and_then(Extern::into_memory);
    let bytes = memory.map(|memory| memory.data(caller)).unwrap_or_default();
    let (place, length) = (place.cast_unsigned() as usize, length.cast_unsigned() as usize);
    let found = place.checked_add(length).and_then(|end| bytes.get(place..end));
    let Some(found) = found else {
        return Err(wasmi::Error::host(Refused(Fault::Bounds { what, place, length, end: bytes.len() })));
    };
    let text = String::from_utf8_lossy(&found[..length.min(abi::MAX_TOLD)]);
    Ok(if length > abi::MAX_TOLD { format!("{text}…") } else { text.into_owned() })
}
