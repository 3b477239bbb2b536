//! `Scheduler`: the timesteps of a sampling loop.

use std::path::PathBuf;

use easel_engine::{
    Context, External, InputProblem, InputSpec, Inputs, Literals, Node, NodeError, NodeResult, NodeSpec, OutputSpec,
    Outputs, Surroundings, kinds,
};

use super::sockets;
use crate::config::SchedulerConfig;
use crate::error::Result;
use crate::kinds::kind;
use crate::parts;
use crate::sampling::Schedule;
use crate::uses::{self, Used};
use crate::weights::ModelFolder;

/// Lays out the timesteps of a sampling loop.
pub struct Scheduler;

impl Node for Scheduler {
    fn spec(&self) -> NodeSpec {
        NodeSpec::new(
            "Scheduler",
            "Lays out the timesteps of a sampling loop: the UnCLIP schedule (squared-cosine betas) of a model's part.",
        )
        .input(sockets::model())
        .input(InputSpec::new("part", kinds::TEXT, "whose loop it is for").choices(&["prior", "decoder", "super_res"]))
        .input(
            InputSpec::new("steps", kinds::INTEGER, "how many; more take longer and draw finer")
                .range(2.0..=1000.0)
                .default(25_i64),
        )
        .output(OutputSpec::new("schedule", kind::SCHEDULE, "timesteps and noise levels, noisiest first"))
    }

    fn check(&self, literals: &Literals<'_>) -> Vec<InputProblem> {
        let Some(part) = literals.get::<String>("part") else { return Vec::new() };
        sockets::check_model(literals, |folder| {
            config(folder, part)?;
            Ok(())
        })
    }

    fn external(&self, inputs: &Inputs, surroundings: &Surroundings<'_>) -> Result<External, NodeError> {
        let file = config_file(inputs.get::<String>("part")?);
        uses::external(inputs, surroundings, &[Used::File(&file)])
    }

    fn files(&self, literals: &Literals<'_>) -> Vec<PathBuf> {
        let file = literals.get::<String>("part").map(|part| config_file(part));
        uses::watched(literals, file.as_deref().map(Used::File).as_slice())
    }

    fn run(&self, inputs: &Inputs, context: &mut Context<'_>) -> NodeResult {
        let folder = parts::open(context, inputs.get::<String>("model")?)?;
        let config = config(&folder, inputs.get::<String>("part")?)?;
        let steps = *inputs.get::<i64>("steps")?;
        let steps = usize::try_from(steps).map_err(|_| NodeError::new(format!("{steps} steps are too few")))?;
        Ok(Outputs::one("schedule", Schedule::new(config, steps)?))
    }
}

fn config(folder: &ModelFolder, part: &str) -> Result<SchedulerConfig> {
    parts::json(folder, &config_file(part), SchedulerConfig::parse)
}

fn config_file(part: &str) -> String {
    format!("{part}_scheduler/scheduler_config.json")
}
