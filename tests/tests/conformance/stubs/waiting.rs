//! Nodes that take time, wait for each other, or never end.

use std::time::{Duration, Instant};

use easel_engine::{Context, Inputs, Lanes, NodeError, NodeResult, NodeSpec, Outputs, kinds};

use super::{Bench, Stub, input, output, passes, spec};

/// How often somebody who waits looks up.
const TICK: Duration = Duration::from_millis(2);

pub(super) fn stubs() -> Vec<Stub> {
    vec![
        Stub::new(sleeper("Sleep").lanes(Lanes::None), |inputs, context, bench| sleep(inputs, context, bench, "bed")),
        Stub::new(sleeper("SleepOnLane").lanes(Lanes::One), |inputs, context, bench| {
            sleep(inputs, context, bench, "lane")
        }),
        Stub::new(sleeper("SleepOnAll").lanes(Lanes::All), |inputs, context, bench| {
            sleep(inputs, context, bench, "all lanes")
        }),
        Stub::new(passes("Hangs").lanes(Lanes::None), |_, context, _| {
            hang(context)?;
            Err(NodeError::new("it hung for ever"))
        }),
        // Asks nobody whether it should go on.
        Stub::new(passes("Deaf").lanes(Lanes::None), |inputs, _, bench| {
            let _held = bench.hold();
            let end = Instant::now() + Duration::from_secs(20);
            while !bench.may_go() && Instant::now() < end {
                std::thread::sleep(TICK);
            }
            Ok(Outputs::one("value", *inputs.get::<f64>("value")?))
        }),
        // Ends only when as many nodes as it names are in its room at once, or have been.
        Stub::new(
            spec("Meet")
                .lanes(Lanes::None)
                .input(input("value", kinds::FLOAT).default(0.0))
                .input(input("room", kinds::TEXT))
                .input(input("parties", kinds::INTEGER))
                .output(output("value", kinds::FLOAT)),
            meet,
        ),
        // A loop that keeps its state: it counts up, and its sum is its state.
        Stub::new(spec("Steps").input(input("steps", kinds::INTEGER)).output(output("value", kinds::FLOAT)), steps),
        // Fails at a step when it is tried for the first time.
        Stub::new(
            spec("StepsAndFails")
                .input(input("steps", kinds::INTEGER))
                .input(input("fail_at", kinds::INTEGER))
                .output(output("value", kinds::FLOAT)),
            steps,
        ),
    ]
}

fn sleeper(name: &'static str) -> NodeSpec {
    spec(name)
        .input(input("milliseconds", kinds::FLOAT))
        .input(input("value", kinds::FLOAT).default(0.0))
        .output(output("value", kinds::FLOAT))
}

fn sleep(inputs: &Inputs, context: &mut Context<'_>, bench: &Bench, room: &str) -> NodeResult {
    let _guest = bench.enter(room);
    let milliseconds = inputs.get::<f64>("milliseconds")?;
    let (began, whole) = (Instant::now(), Duration::from_secs_f64(milliseconds / 1000.0));
    while began.elapsed() < whole {
        std::thread::sleep(TICK.min(whole));
        context.progress((began.elapsed().as_secs_f64() * 1000.0) as usize, *milliseconds as usize)?;
    }
    Ok(Outputs::one("value", *inputs.get::<f64>("value")?))
}

/// Until the run is cancelled; the error is then that. Never for longer than half a minute.
pub(super) fn hang(context: &mut Context<'_>) -> Result<(), NodeError> {
    let end = Instant::now() + Duration::from_secs(30);
    while Instant::now() < end {
        std::thread::sleep(TICK);
        context.check_cancelled()?;
    }
    Ok(())
}

fn meet(inputs: &Inputs, context: &mut Context<'_>, bench: &Bench) -> NodeResult {
    let (room, parties) = (inputs.get::<String>("room")?, *inputs.get::<i64>("parties")? as usize);
    let _guest = bench.enter(room);
    let end = Instant::now() + Duration::from_secs(20);
    while bench.ever_in(room) < parties {
        if Instant::now() >= end {
            return Err(NodeError::new(format!("only {} of {parties} came", bench.ever_in(room))));
        }
        std::thread::sleep(TICK);
        context.check_cancelled()?;
    }
    Ok(Outputs::one("value", *inputs.get::<f64>("value")?))
}

fn steps(inputs: &Inputs, context: &mut Context<'_>, bench: &Bench) -> NodeResult {
    let steps = *inputs.get::<i64>("steps")? as usize;
    let saved = context.saved_state().and_then(|state| <[u8; 8]>::try_from(state).ok());
    let mut done = saved.map_or(0, |state| u64::from_le_bytes(state) as usize);
    let is_first = bench.attempt(context.node()) == 1;
    let fail_at = inputs.optional::<i64>("fail_at")?.filter(|_| is_first).map(|step| *step as usize);
    context.note("began_at", done.to_string());
    while done < steps {
        done += 1;
        bench.stepped();
        context.step(done, steps, || (done as u64).to_le_bytes().to_vec())?;
        if fail_at == Some(done) {
            return Err(NodeError::new(format!("step {done} failed")));
        }
    }
    Ok(Outputs::one("value", done as f64))
}
