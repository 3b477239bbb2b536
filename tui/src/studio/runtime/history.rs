//! All runs of a journal, as far as lists need to know them: kept up with, and searched, without reading it whole again.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use easel_engine::{EventRecord, Extent, Journal, JournalError, RunId, RunState, RunSummary, SweepPart};

use super::super::model::{Details, QueueRow, RunRow, RunsPage, RunsWish};
use crate::gist::{self, Gist, GistReader};
use crate::story;

/// So many runs before and after the one with the cursor are told.
const AROUND: usize = 100;

/// So many runs are read at a time: wishes must not wait for long.
const AT_A_TIME: usize = 50;

/// So much of what happened in a run is told.
const MOST_EVENTS: usize = 300;

/// So many prompts are remembered.
const MOST_PROMPTS: usize = 500;

/// So many events are read at a time.
const EVENTS_AT_A_TIME: u64 = 1_000;

/// What is known of all runs.
#[derive(Default)]
pub(in super::super) struct Index {
    /// How much there was when the ids were read.
    extent: Option<Extent>,
    /// Newest first.
    ids: Vec<RunId>,
    /// What those that were read were about.
    known: HashMap<RunId, Known>,
    reader: GistReader,
}

/// What is known of a run.
struct Known {
    gist: Gist,
    /// All that a search may find, in lower case.
    words: String,
}

impl Index {
    /// Takes notice of runs that came or went.
    pub(in super::super) fn refresh(&mut self, journal: &Journal) -> Result<(), JournalError> {
        let extent = journal.extent()?;
        if self.extent != Some(extent) {
            self.ids = journal.ids(None)?;
            let there: HashSet<_> = self.ids.iter().copied().collect();
            self.known.retain(|run, _| there.contains(run));
            self.extent = Some(extent);
        }
        Ok(())
    }

    /// The prompts of the runs that were read, newest first, each once.
    pub(super) fn prompts(&self) -> Vec<Arc<str>> {
        let mut seen = HashSet::new();
        let all = self.ids.iter().filter_map(|run| self.known.get(run)).map(|known| &known.gist.prompt);
        all.filter(|prompt| !prompt.is_empty() && seen.insert(Arc::clone(prompt))).take(MOST_PROMPTS).cloned().collect()
    }

    /// How many runs were not read yet.
    pub(in super::super) fn unread(&self) -> usize {
        self.ids.len().saturating_sub(self.known.len())
    }

    /// Reads a few more of the runs, newest first.
    pub(in super::super) fn read_on(&mut self, journal: &Journal) -> Result<(), JournalError> {
        let next: Vec<_> =
            self.ids.iter().filter(|run| !self.known.contains_key(run)).take(AT_A_TIME).copied().collect();
        self.read(journal, &next)
    }

    fn read(&mut self, journal: &Journal, runs: &[RunId]) -> Result<(), JournalError> {
        for (run, job) in journal.jobs(runs)? {
            // What cannot be understood can still be listed.
            let (gist, name) = match &job {
                Some(job) => (self.reader.gist(job), job.source.name.as_str()),
                None => (Gist::default(), ""),
            };
            let Gist { prompt, seed, model, .. } = &gist;
            let words = format!("{} {name} {prompt} {seed} {model}", run.0).to_lowercase();
            self.known.insert(run, Known { gist, words });
        }
        // Whoever is gone by now must not be asked for again and again.
        if runs.iter().any(|run| !self.known.contains_key(run)) {
            self.extent = None;
            self.ids.retain(|run| self.known.contains_key(run) || !runs.contains(run));
        }
        Ok(())
    }

    /// What a run was about, if it was read.
    pub(super) fn gist(&self, run: RunId) -> Gist {
        self.known.get(&run).map(|known| known.gist.clone()).unwrap_or_default()
    }

    /// The runs of the sweep that a run belongs to, as far as they were read, oldest first.
    pub(super) fn sweep(
        &mut self,
        journal: &Journal,
        run: RunId,
    ) -> Result<Vec<(RunId, Arc<SweepPart>)>, JournalError> {
        if !self.known.contains_key(&run) {
            self.read(journal, &[run])?;
        }
        let part = |run: &RunId| self.known.get(run).and_then(|known| known.gist.sweep.clone());
        let Some(asked) = part(&run) else { return Ok(Vec::new()) };
        let of_it = |run: &RunId| part(run).filter(|part| part.sweep == asked.sweep).map(|part| (*run, part));
        Ok(self.ids.iter().rev().filter_map(of_it).collect())
    }

    /// The part of the list that is wanted.
    pub(in super::super) fn page(&mut self, journal: &Journal, wish: &RunsWish) -> Result<RunsPage, JournalError> {
        let found = self.matching(journal, &wish.filter)?;
        let place = wish.chosen.and_then(|run| found.binary_search_by(|other| run.0.cmp(&other.0)).ok());
        let at = place.unwrap_or(wish.at).min(found.len().saturating_sub(1));
        let first = at.saturating_sub(AROUND);
        let shown = &found[first..found.len().min(at.saturating_add(AROUND))];
        let strangers: Vec<_> = shown.iter().filter(|run| !self.known.contains_key(run)).copied().collect();
        if !strangers.is_empty() {
            self.read(journal, &strangers)?;
        }
        let row = |summary: RunSummary| RunRow { gist: self.gist(summary.run), summary };
        let rows = journal.summaries(shown)?.into_iter().map(row).collect();
        let (found, total, unread) = (found.len(), self.ids.len(), self.unread());
        Ok(RunsPage { filter: wish.filter.clone(), first, rows, at, found, total, unread })
    }

    /// What is carried out, then what waits, in order.
    pub(super) fn queue(&mut self, journal: &Journal) -> Result<Vec<QueueRow>, JournalError> {
        self.refresh(journal)?;
        let mut runs = journal.summaries(&journal.ids(Some(RunState::Running))?)?;
        runs.reverse();
        runs.extend(journal.queue()?);
        let strangers: Vec<_> = runs.iter().map(|run| run.run).filter(|run| !self.known.contains_key(run)).collect();
        if !strangers.is_empty() {
            self.read(journal, &strangers)?;
        }
        Ok(runs.into_iter().map(|summary| QueueRow { gist: self.gist(summary.run), summary }).collect())
    }

    /// The runs that have all of these words, newest first. The name of a state is that state.
    fn matching(&self, journal: &Journal, filter: &str) -> Result<Vec<RunId>, JournalError> {
        let filter = filter.to_lowercase();
        let (states, words): (Vec<&str>, Vec<&str>) =
            filter.split_whitespace().partition(|word| RunState::from_name(word).is_some());
        let mut found = self.ids.clone();
        for state in states.into_iter().filter_map(RunState::from_name) {
            let those: HashSet<_> = journal.ids(Some(state))?.into_iter().collect();
            found.retain(|run| those.contains(run));
        }
        if !words.is_empty() {
            found.retain(|run| {
                self.known.get(run).is_some_and(|known| words.iter().all(|word| known.words.contains(word)))
            });
        }
        Ok(found)
    }
}

/// Follows everything about one run.
pub(super) struct Follower {
    pub(super) run: RunId,
    /// The last event that was read.
    after: u64,
    log: Vec<EventRecord>,
    /// What was told last.
    told: Option<Box<Details>>,
    /// Why nothing could be told.
    fault: Option<String>,
}

impl Follower {
    pub(super) fn of(run: RunId) -> Self {
        Follower { run, after: 0, log: Vec::new(), told: None, fault: None }
    }

    /// What is to be told: what is new, or a fault that was not told before.
    pub(super) fn news(
        &mut self,
        looked: Result<Option<Box<Details>>, String>,
    ) -> Option<Result<Box<Details>, String>> {
        let fault = looked.as_ref().err().cloned();
        let is_new = fault.is_some() && fault != self.fault;
        self.fault = fault;
        match looked {
            Ok(details) => details.map(Ok),
            Err(why) => is_new.then_some(Err(why)),
        }
    }

    /// Everything about it, if that is something else than before.
    pub(super) fn look(&mut self, journal: &Journal) -> Result<Option<Box<Details>>, JournalError> {
        if let Some(told) = &self.told
            && told.story.summary.state.is_over()
            && journal.summaries(&[self.run])?.first() == Some(&told.story.summary)
        {
            return Ok(None);
        }
        let story = journal.story(self.run)?;
        loop {
            let events = journal.events(self.run, self.after, EVENTS_AT_A_TIME)?;
            let Some(last) = events.last() else { break };
            self.after = last.seq;
            self.log.extend(events.into_iter().filter(|event| !event.json.contains(r#""event":"node_progress""#)));
            let beyond = self.log.len().saturating_sub(MOST_EVENTS);
            self.log.drain(..beyond);
        }
        let (given, command) = (gist::given(&story.job), story::command_line(&story.job));
        let details = Box::new(Details { story, given, log: self.log.clone(), command });
        let is_news = self.told.as_ref() != Some(&details);
        self.told = Some(details.clone());
        Ok(is_news.then_some(details))
    }
}

#[cfg(test)]
mod tests {
    use easel_engine::{Job, JobOptions, Settings, Source, SweepValue};

    use super::*;

    const FLOW: &str = r#"Workflow(version: 1, inputs: { "prompt": Text(), "seed": Integer(default: 1) }, nodes: {})"#;

    fn job(prompt: &str) -> Job {
        Job {
            source: Source::new("flow.ron", FLOW),
            files: Vec::new(),
            settings: Settings { set: vec![("prompt".into(), prompt.into())], ..Settings::default() },
            options: JobOptions::default(),
        }
    }

    fn wish(filter: &str, at: usize) -> RunsWish {
        RunsWish { filter: filter.into(), chosen: None, at }
    }

    fn read(index: &mut Index, journal: &Journal) {
        index.refresh(journal).expect("it can be read");
        while index.unread() > 0 {
            index.read_on(journal).expect("it can be read");
        }
    }

    #[test]
    fn the_cursor_stays_on_its_run_and_every_run_can_be_reached() {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let journal = Journal::open(folder.path()).expect("it can be made");
        for number in 1..=500 {
            journal.enqueue(&job(&format!("cat {number}")), 0).expect("it can be written");
        }
        let mut index = Index::default();
        index.refresh(&journal).expect("it can be read");
        let page = index.page(&journal, &wish("", 499)).expect("it can be read");
        assert_eq!((page.first, page.at, page.found, page.total), (399, 499, 500, 500));
        let last = page.row(499).expect("it is the last");
        assert_eq!((last.summary.run, &*last.gist.prompt, &*last.gist.seed), (RunId(1), "cat 1", "1"));
        assert_eq!(page.row(10), None, "far from the cursor");
        assert!(page.unread > 0 && page.unread < 500, "what is shown is read first");
        journal.enqueue(&job("dog"), 0).expect("it can be written");
        index.refresh(&journal).expect("it can be read");
        let chosen = RunsWish { chosen: Some(RunId(1)), ..wish("", 499) };
        assert_eq!(index.page(&journal, &chosen).map(|page| page.at).ok(), Some(500));
        journal.remove(RunId(1)).expect("it waits");
        index.refresh(&journal).expect("it can be read");
        let page = index.page(&journal, &chosen).expect("it can be read");
        assert_eq!((page.at, page.row(499).map(|row| row.summary.run)), (499, Some(RunId(2))));
    }

    #[test]
    fn words_find_runs_by_all_that_is_shown() {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let journal = Journal::open(folder.path()).expect("it can be made");
        for prompt in ["a Cat", "a dog", "two cats"] {
            journal.enqueue(&job(prompt), 0).expect("it can be written");
        }
        journal.cancel(RunId(3)).expect("it waits");
        let mut index = Index::default();
        read(&mut index, &journal);
        let mut found = |filter: &str| {
            let page = index.page(&journal, &wish(filter, 0)).expect("it can be read");
            page.rows.iter().map(|row| row.summary.run.0).collect::<Vec<_>>()
        };
        assert_eq!(found(""), [3, 2, 1]);
        journal.enqueue(&job("a dog"), 0).expect("it can be written");
        read(&mut index, &journal);
        assert_eq!(index.prompts(), ["a dog", "two cats", "a Cat"].map(Arc::from), "each once");
        let mut found = |filter: &str| {
            let page = index.page(&journal, &wish(filter, 0)).expect("it can be read");
            page.rows.iter().map(|row| row.summary.run.0).collect::<Vec<_>>()
        };
        assert_eq!(found("dog"), [4, 2]);
        assert_eq!(found("CAT"), [3, 1]);
        assert_eq!(found("cat two"), [3]);
        assert_eq!(found("cancelled"), [3]);
        assert_eq!(found("queued cat"), [1]);
        assert_eq!(found("flow.ron"), [4, 3, 2, 1]);
        assert_eq!(found("elephant"), Vec::<u64>::new());
    }

    #[test]
    fn the_runs_of_a_sweep_are_found_by_any_of_them() {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let journal = Journal::open(folder.path()).expect("it can be made");
        for number in 0..130 {
            let mut job = job("a cat");
            let at = number / 2;
            let column = SweepValue { at, input: "seed".into(), value: at.to_string(), is_text: false };
            let sweep = ["one", "other"][number % 2].to_string();
            job.options.sweep = (number < 120).then_some(SweepPart { sweep, column, row: None });
            journal.enqueue(&job, 0).expect("it can be written");
        }
        // Another process, which has read nothing yet.
        let mut index = Index::default();
        index.refresh(&journal).expect("it can be read");
        let first = index.sweep(&journal, RunId(2)).expect("it can be read");
        assert_eq!(first.iter().map(|(run, _)| run.0).collect::<Vec<_>>(), [2], "the others are still to be read");
        read(&mut index, &journal);
        let all = index.sweep(&journal, RunId(2)).expect("it can be read");
        assert_eq!(all.iter().map(|(run, _)| run.0).collect::<Vec<_>>(), (1..=60).map(|at| at * 2).collect::<Vec<_>>());
        assert_eq!((all[7].1.sweep.as_str(), all[7].1.column.value.as_str()), ("other", "7"));
        assert!(index.sweep(&journal, RunId(130)).expect("it can be read").is_empty(), "it was begun for itself");
        assert!(index.sweep(&journal, RunId(999)).expect("it can be read").is_empty(), "there is none such");
    }

    #[test]
    fn a_run_is_told_again_only_if_there_is_news() {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let journal = Journal::open(folder.path()).expect("it can be made");
        let run = journal.enqueue(&job("a cat"), 0).expect("it can be written");
        let mut follower = Follower::of(run);
        let details = follower.look(&journal).expect("it can be read").expect("it is the first look");
        assert_eq!(details.given[0].value, "a cat");
        assert!(details.command.starts_with("easel run flow.ron --set 'prompt=a cat'"), "{}", details.command);
        assert!(follower.look(&journal).expect("it can be read").is_none());
        journal.cancel(run).expect("it waits");
        assert!(follower.look(&journal).expect("it can be read").is_some());
        assert!(follower.look(&journal).expect("it can be read").is_none());
        journal.forget(run).expect("it is over");
        assert!(follower.look(&journal).is_err());
    }
}
