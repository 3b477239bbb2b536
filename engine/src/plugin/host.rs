//! What a plugin gets from the host: ways to say something, and nothing else.
//!
//! What it says is kept until the next look at it: no call out of a plugin waits for anything, and however often it says
//! something, a bounded amount is kept.

use std::ops::Range;

use wasmi::errors::HostError;
use wasmi::{Caller, Engine, Extern, Linker, Memory, ResourceLimiter};
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

/// A function of the host did what it was called for, but used up the slice: the plugin goes on after the next look.
/// Without it, calls in a row would be looked at only where the interpreter looks at its fuel again.
#[derive(Debug, thiserror::Error)]
#[error("it is time for a look")]
pub(super) struct Paused;

impl HostError for Paused {}

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

    /// Whether one more thing that it says is heard. That some are not is said once.
    fn listens(&mut self) -> bool {
        if self.told > abi::MAX_TELLINGS {
            return false;
        }
        self.told += 1;
        if self.told <= abi::MAX_TELLINGS {
            return true;
        }
        let warning = format!("it said more than {} things; the rest is left out", abi::MAX_TELLINGS);
        self.tellings.push(Telling::Warning(warning));
        false
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
        charge(&mut caller, 0)
    })?;
    linker.func_wrap(abi::IMPORTS, "warn", |mut caller: Caller<'_, Host>, place: i32, length: i32| {
        let text = Text::within(&caller, "a warning", place, length)?;
        if !caller.data_mut().listens() {
            return charge(&mut caller, 0);
        }
        let text = text.read(&caller);
        let cost = text.len();
        caller.data_mut().tellings.push(Telling::Warning(text));
        charge(&mut caller, cost)
    })?;
    linker.func_wrap(
        abi::IMPORTS,
        "note",
        |mut caller: Caller<'_, Host>, key: i32, key_length: i32, value: i32, value_length: i32| {
            let key = Text::within(&caller, "the key of a note", key, key_length)?;
            let value = Text::within(&caller, "a note", value, value_length)?;
            if !caller.data_mut().listens() {
                return charge(&mut caller, 0);
            }
            let (key, value) = (key.read(&caller), value.read(&caller));
            let cost = key.len() + value.len();
            caller.data_mut().tellings.push(Telling::Note(key, value));
            charge(&mut caller, cost)
        },
    )?;
    linker.func_wrap(abi::IMPORTS, "panic", |caller: Caller<'_, Host>, place: i32, length: i32| {
        let reason = Text::within(&caller, "the reason of a panic", place, length)?.read(&caller);
        Err::<(), _>(wasmi::Error::host(Refused(Fault::Panic(reason))))
    })?;
    Ok(linker)
}

/// Has a call of the host, which read so many bytes, paid for by the slice.
fn charge(caller: &mut Caller<'_, Host>, bytes: usize) -> Result<(), wasmi::Error> {
    let (fuel, cost) = (caller.get_fuel()?, abi::CALL + bytes as u64);
    caller.set_fuel(fuel.saturating_sub(cost))?;
    if fuel <= cost { Err(wasmi::Error::host(Paused)) } else { Ok(()) }
}

/// Where a text is in the memory of the caller: within it.
struct Text {
    memory: Option<Memory>,
    range: Range<usize>,
}

impl Text {
    fn within(caller: &Caller<'_, Host>, what: &'static str, place: i32, length: i32) -> Result<Self, wasmi::Error> {
        let memory = caller.get_export(abi::MEMORY).and_then(Extern::into_memory);
        let end = memory.map_or(0, |memory| memory.data_size(caller));
        let (place, length) = (place.cast_unsigned() as usize, length.cast_unsigned() as usize);
        match place.checked_add(length) {
            Some(behind) if behind <= end => Ok(Text { memory, range: place..behind }),
            _ => Err(wasmi::Error::host(Refused(Fault::Bounds { what, place, length, end }))),
        }
    }

    /// The text. What is no UTF-8 is replaced; what is too long is cut off.
    fn read(&self, caller: &Caller<'_, Host>) -> String {
        let bytes = self.memory.map(|memory| memory.data(caller)).unwrap_or_default();
        let bytes = bytes.get(self.range.clone()).unwrap_or_default();
        // A character more than can be kept: what this cuts in two is cut off below.
        let text = String::from_utf8_lossy(&bytes[..bytes.len().min(abi::MAX_TOLD + 4)]);
        abi::cut(&text, abi::MAX_TOLD).into_owned()
    }
}
