//! Nodes that fail, and nodes that hold something while they do.

use easel_engine::{Inputs, Lanes, NodeError, Outputs, kinds};

use super::{Stub, input, output, passes, spec};

fn value(inputs: &Inputs) -> Result<f64, NodeError> {
    inputs.get::<f64>("value").copied()
}

pub(super) fn stubs() -> Vec<Stub> {
    vec![
        Stub::new(passes("Fails"), |inputs, _, _| {
            Err(NodeError::new(format!("{} is more than it can bear", value(inputs)?)).with_hint("give it less"))
        }),
        // Fails on numbers of 100 and more.
        Stub::new(passes("FailsOnLarge"), |inputs, _, _| match value(inputs)? {
            large if large >= 100.0 => Err(NodeError::new(format!("{large} is too large"))),
            small => Ok(Outputs::one("value", small)),
        }),
        Stub::new(passes("Panics"), |inputs, _, _| panic!("the number {} is cursed", value(inputs)?)),
        // Ends the process as a crash would: nothing is cleaned up, nobody is told. Waits for leave to do so.
        Stub::new(passes("Crashes"), |_, context, bench| {
            while !bench.may_go() {
                std::thread::sleep(std::time::Duration::from_millis(1));
                context.check_cancelled()?;
            }
            std::process::abort()
        }),
        Stub::new(passes("GivesOther"), |_, _, _| Ok(Outputs::one("value", 1_i64))),
        Stub::new(passes("GivesNothing"), |_, _, _| Ok(Outputs::none())),
        // Fails until it was tried often enough.
        Stub::new(
            spec("Flaky")
                .input(input("value", kinds::FLOAT))
                .input(input("failures", kinds::INTEGER))
                .output(output("value", kinds::FLOAT)),
            |inputs, context, bench| {
                let attempt = bench.attempt(context.node());
                if attempt as i64 <= *inputs.get::<i64>("failures")? {
                    return Err(NodeError::new(format!("attempt {attempt} failed")));
                }
                Ok(Outputs::one("value", value(inputs)?))
            },
        ),
        Stub::new(passes("Cancels"), |inputs, context, bench| {
            context.progress(1, 2)?;
            bench.cancel();
            context.progress(2, 2)?;
            Ok(Outputs::one("value", value(inputs)?))
        }),
        // Its result is there although the run was cancelled meanwhile.
        Stub::new(passes("CancelsLate"), |inputs, _, bench| {
            bench.cancel();
            Ok(Outputs::one("value", value(inputs)?))
        }),
        Stub::new(
            spec("Holder")
                .lanes(Lanes::None)
                .input(input("value", kinds::FLOAT))
                .input(input("then", kinds::TEXT).choices(&["pass", "fail", "panic", "cancel", "hang"]))
                .output(output("value", kinds::FLOAT)),
            |inputs, context, bench| {
                let _held = bench.hold();
                match inputs.get::<String>("then")?.as_str() {
                    "fail" => return Err(NodeError::new("it failed with its hands full")),
                    "panic" => panic!("with its hands full"),
                    "cancel" => bench.cancel(),
                    "hang" => super::waiting::hang(context)?,
                    _ => {}
                }
                context.check_cancelled()?;
                Ok(Outputs::one("value", value(inputs)?))
            },
        ),
    ]
}
