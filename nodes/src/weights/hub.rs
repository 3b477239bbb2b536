//! Models from the Hugging Face Hub, through the cache that all of its tools share.
//!
//! A repository that is in the local cache needs no network. Otherwise the files that Easel reads are downloaded into
//! that cache (interrupted downloads resume), checked against the hub's SHA-256 where it states one.

mod check;
mod choice;
mod fetch;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::error::{Error, Result};

/// Where the hub is, unless `HF_ENDPOINT` says otherwise.
const ENDPOINT: &str = "https://huggingface.co";

/// A repository at a revision: what stands after `hf:`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repository {
    /// `owner/name`, or `name` for the few without an owner.
    pub id: String,
    /// A branch, tag or commit.
    pub revision: String,
}

/// The hub, its local cache, and how long to wait for it.
#[derive(Clone, Debug)]
pub struct Hub {
    cache: PathBuf,
    endpoint: String,
    token: Option<String>,
    offline: bool,
    patience: Duration,
}

/// How far a download has come.
#[derive(Clone, Copy, Debug)]
pub struct Download<'a> {
    /// The file in the repository.
    pub file: &'a str,
    /// Which file this is, from 1.
    pub index: usize,
    /// How many files there are.
    pub count: usize,
    /// Bytes of this file that are here.
    pub done: u64,
    /// Bytes that it has.
    pub total: u64,
}

impl Repository {
    /// Reads `owner/name` or `owner/name@revision`.
    pub fn parse(text: &str) -> Result<Self> {
        let (id, revision) = text.split_once('@').unwrap_or((text, "main"));
        let is_name = |name: &str| {
            let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
            !name.is_empty() && name.chars().all(allowed) && !name.starts_with('.') && !name.contains("..")
        };
        // The revision becomes a path in the cache.
        let revision_ok = revision.split('/').all(is_name);
        if !revision_ok || id.split('/').count() > 2 || !id.split('/').all(is_name) {
            return Err(Error::invalid(format!("{} is not a repository", super::names::quoted(text)))
                .with_hint("write `hf:owner/name`, or `hf:owner/name@revision`"));
        }
        Ok(Repository { id: id.to_owned(), revision: revision.to_owned() })
    }

    fn handle(&self, revision: &str) -> hf_hub::Repo {
        hf_hub::Repo::with_revision(self.id.clone(), hf_hub::RepoType::Model, revision.to_owned())
    }
}

impl std::fmt::Display for Repository {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.id)?;
        if self.revision != "main" { write!(f, "@{}", self.revision) } else { Ok(()) }
    }
}

impl Hub {
    /// As the environment says: `HF_HUB_CACHE` or `HF_HOME`, `HF_ENDPOINT`, `HF_HUB_OFFLINE`, `HF_TOKEN`.
    pub fn from_env() -> Self {
        let set = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
        let cache = set("HF_HUB_CACHE").map(PathBuf::from);
        let cache = cache.or_else(|| set("HF_HOME").map(|home| Path::new(&home).join("hub")));
        let cache = cache.or_else(|| Some(std::env::home_dir()?.join(".cache/huggingface/hub")));
        let mut hub = Hub::new(cache.unwrap_or_else(|| std::env::temp_dir().join("huggingface/hub")));
        hub.endpoint = set("HF_ENDPOINT").unwrap_or(hub.endpoint);
        hub.token = set("HF_TOKEN").or(hub.token);
        hub.offline = set("HF_HUB_OFFLINE")
            .is_some_and(|value| matches!(value.to_lowercase().as_str(), "1" | "true" | "yes" | "on"));
        hub
    }

    /// The hub with a cache folder of one's own.
    pub fn new(cache: impl Into<PathBuf>) -> Self {
        let cache = cache.into();
        let token = hf_hub::Cache::new(cache.clone()).token();
        Hub { cache, endpoint: ENDPOINT.into(), token, offline: false, patience: Duration::from_secs(20) }
    }

    /// Another address.
    pub fn with_endpoint(self, endpoint: impl Into<String>) -> Self {
        Hub { endpoint: endpoint.into(), ..self }
    }

    /// The cache only, no network.
    pub fn with_offline(self, offline: bool) -> Self {
        Hub { offline, ..self }
    }

    /// How long the network may be silent before it counts as unreachable.
    pub fn with_patience(self, patience: Duration) -> Self {
        Hub { patience, ..self }
    }

    /// The folder that downloads go to.
    pub fn cache(&self) -> &Path {
        &self.cache
    }

    /// The folder of a repository if the cache has it whole. Never asks the network.
    pub fn cached(&self, repository: &Repository) -> Option<PathBuf> {
        self.snapshot(repository).filter(|folder| check::lacking(folder).is_empty())
    }

    /// The folder of a repository: from the cache if it is there whole, else downloaded.
    pub fn folder(&self, repository: &Repository, on_progress: &mut dyn FnMut(Download<'_>)) -> Result<PathBuf> {
        let lacking = match self.snapshot(repository) {
            Some(folder) => match check::lacking(&folder) {
                lacking if lacking.is_empty() => return Ok(folder),
                lacking => lacking,
            },
            None => Vec::new(),
        };
        if self.offline {
            return Err(self.offline_error(repository, &lacking));
        }
        self.fetch(repository, on_progress).map_err(|error| match lacking.as_slice() {
            [] => error,
            lacking => {
                let names = super::names::some_of(lacking, 5);
                let hint = error.hint().unwrap_or_default();
                Error::invalid(format!("{error} (the local cache has it without {names})")).with_hint(hint)
            }
        })
    }

    /// Downloads what the cache lacks of a repository's newest state, whether or not an older one is cached.
    pub fn fetch(&self, repository: &Repository, on_progress: &mut dyn FnMut(Download<'_>)) -> Result<PathBuf> {
        fetch::fetch(self, repository, on_progress)
    }

    /// Where the cache has the revision, be it a branch or a commit.
    fn snapshot(&self, repository: &Repository) -> Option<PathBuf> {
        let folder = self.cache.join(repository.handle("main").folder_name());
        let commit = fs::read_to_string(folder.join("refs").join(&repository.revision));
        let commit = commit.map_or_else(|_| repository.revision.clone(), |text| text.trim().to_owned());
        // The ref is a file that anything may have written: only a plain name leads to a snapshot.
        let plain = !commit.is_empty() && commit.chars().all(|c| c.is_ascii_alphanumeric());
        let snapshot = folder.join("snapshots").join(&commit);
        (plain && snapshot.is_dir()).then_some(snapshot)
    }

    fn offline_error(&self, repository: &Repository, lacking: &[String]) -> Error {
        let what = match lacking {
            [] => "is not in the local cache".to_owned(),
            lacking => format!("is in the local cache without {}", super::names::some_of(lacking, 5)),
        };
        Error::invalid(format!("the repository `{repository}` {what}, and HF_HUB_OFFLINE forbids the network"))
            .with_hint(format!("unset HF_HUB_OFFLINE, {}", self.by_hand(repository)))
    }

    /// How to do without the network.
    fn by_hand(&self, repository: &Repository) -> String {
        format!(
            "or download it elsewhere (`hf download {}`) and give the folder: --set model=/path/to/folder; \
             or copy its cache folder to {}",
            repository.id,
            self.cache.join(repository.handle("main").folder_name()).display()
        )
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on fails there")]

    use super::*;

    #[test]
    fn repositories_are_read_and_nonsense_is_not() {
        let plain = Repository::parse("owner/name").unwrap();
        assert_eq!((plain.id.as_str(), plain.revision.as_str()), ("owner/name", "main"));
        assert_eq!(Repository::parse("owner/na.me@refs/pr/1").unwrap().to_string(), "owner/na.me@refs/pr/1");
        for bad in ["", "a/b/c", "../x", "a/..", "a/b@", "a/b@../../x", "a b/c", "/a", "a/"] {
            assert!(Repository::parse(bad).is_err(), "{bad}");
        }
    }
}
