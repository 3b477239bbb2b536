//! Runs that come from the journal: planned again from the texts that it kept, and carried out as they were meant.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use easel_engine::{CancelToken, Claim, Diagnostic, Job, JobOptions, Journal, Plan, Texts, WhenStopped};

use crate::commands::workflow::{self, Ready};
use crate::error::{CommandError, Exit};
use crate::execution::{Finished, parse_device, parse_precision, placement};
use crate::memory::MemoryLimit;
use crate::report::Reporter;
use crate::workspace::{Choices, Common, Workspace};

/// Carries out runs that were claimed. One serves any number of threads: runs that are alike share what is opened.
pub(crate) struct Carrier {
    journal: Journal,
    memory: MemoryLimit,
    common: Common,
    /// By device and cache.
    workspaces: Mutex<HashMap<String, Arc<Workspace>>>,
}

/// What became of a claimed run.
pub(crate) enum Carried {
    /// It was carried out, to whatever end.
    Out(Box<Finished>),
    /// It could not begin, which was told.
    Not(Exit),
}

impl Carrier {
    pub(crate) fn new(journal: Journal, memory: MemoryLimit) -> Self {
        Self::sharing(journal, memory, Common::new(memory))
    }

    /// With what another workspace of this process has.
    pub(crate) fn sharing(journal: Journal, memory: MemoryLimit, common: Common) -> Self {
        Carrier { journal, memory, common, workspaces: Mutex::default() }
    }

    /// Carries a claimed run out. What is wrong with it is told and written down; an error is one of telling.
    pub(crate) fn carry_out(
        &self,
        claim: Claim,
        when_stopped: WhenStopped,
        cancel: &CancelToken,
        reporter: &mut dyn Reporter,
    ) -> Result<Carried, CommandError> {
        let ready = self.workspace(claim.job()).and_then(|workspace| {
            let ready = prepare(claim.job(), &workspace, reporter)?;
            if let Ok(ready) = &ready {
                workflow::must_be_writable(&ready.plan, &workspace)?;
            }
            Ok((workspace, ready))
        });
        let (workspace, ready) = match ready {
            Ok(ready) => ready,
            Err(error) => {
                self.journal.give_up(claim, &error.to_string())?;
                return Err(error);
            }
        };
        match ready {
            Ok(ready) => {
                let finished = workspace.carry_out_claimed(ready, Some(claim), when_stopped, cancel, reporter)?;
                Ok(Carried::Out(Box::new(finished)))
            }
            Err(problem) => {
                self.journal.give_up(claim, &problem)?;
                Ok(Carried::Not(Exit::Wrong))
            }
        }
    }

    fn workspace(&self, job: &Job) -> Result<Arc<Workspace>, CommandError> {
        // Where it belongs in a sweep changes nothing of how it is carried out.
        let options = &JobOptions { sweep: None, ..job.options.clone() };
        let key = format!("{options:?}");
        let mut workspaces = self.workspaces.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(workspace) = workspaces.get(&key) {
            return Ok(Arc::clone(workspace));
        }
        let device = parse_device(&options.device).map_err(CommandError::wrong)?;
        let place = placement(device, parse_precision(&options.precision).map_err(CommandError::wrong)?)?;
        let JobOptions { cache, save_every, .. } = *options;
        let choices = Choices { place, cache, journal: true, save_every, memory: self.memory };
        let workspace = Workspace::with_journal(&choices, Some(self.journal.clone()), self.common.clone())?;
        let workspace = Arc::new(workspace);
        workspaces.insert(key, Arc::clone(&workspace));
        Ok(workspace)
    }
}

/// The plan, from the texts that were kept; in one sentence what is wrong with the workflow, which was told in full.
fn prepare(
    job: &Job,
    workspace: &Workspace,
    reporter: &mut dyn Reporter,
) -> Result<Result<Ready, String>, CommandError> {
    let texts = Texts::new(job.files.iter().map(|(path, text)| (path.clone(), Arc::clone(text))));
    let types = workspace.node_types(job.source.path.as_deref());
    match Plan::prepare_with(&job.source, &types.registry, &workspace.limited(&job.settings), &texts) {
        Ok((plan, warnings)) => Ok(Ok(Ready::new(plan, &warnings))),
        Err(diagnostics) => {
            let diagnostics = types.with_problems(diagnostics);
            reporter.diagnostics(&job.source.name, Some(&job.source), &diagnostics)?;
            let first = diagnostics.iter().find(|diagnostic| diagnostic.is_error());
            let first = first.map_or_else(String::new, |first: &Diagnostic| format!(": {}", first.message));
            Ok(Err(format!("the workflow cannot be run{first}")))
        }
    }
}
