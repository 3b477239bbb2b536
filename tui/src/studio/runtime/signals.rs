//! Signals: ends, stops and continuations that come from outside.

use std::io;
use std::sync::mpsc::Sender;

use super::super::message::Message;
use super::guard::Lender;

/// Listens to signals on a thread of its own.
#[cfg(unix)]
pub(super) fn listen(lender: Lender, sender: Sender<Message>) -> io::Result<()> {
    use signal_hook::consts::{SIGCONT, SIGHUP, SIGINT, SIGTERM, SIGTSTP};
    use signal_hook::iterator::Signals;

    let mut signals = Signals::new([SIGTERM, SIGHUP, SIGINT, SIGTSTP, SIGCONT])?;
    let work = move || {
        let mut was_asked = false;
        let ask = |signal| if signal == SIGHUP { Message::Gone } else { Message::Terminate };
        for signal in signals.forever() {
            match signal {
                SIGTSTP => {
                    // The process stands still inside of this, until somebody lets it go on.
                    let stop = || drop(signal_hook::low_level::emulate_default_handler(SIGTSTP));
                    if lender.lend(stop).is_err() {
                        let _ = sender.send(Message::Gone);
                    }
                }
                // Whoever stopped it may have changed the terminal's ways.
                SIGCONT => drop(lender.lend(|| ())),
                // Asked once, and then again or while nobody listens any more: whatever it waits for, it ends.
                _ if was_asked || sender.send(ask(signal)).is_err() => {
                    lender.leave();
                    std::process::exit(crate::error::Exit::Failed.code().into());
                }
                _ => was_asked = true,
            }
            let _ = sender.send(Message::Uncovered);
        }
    };
    std::thread::Builder::new().name("signals".into()).spawn(work).map(drop)
}

/// There are no signals here.
#[cfg(not(unix))]
pub(super) fn listen(_: Lender, _: Sender<Message>) -> io::Result<()> {
    Ok(())
}
