//! Downloading, with an eye on the clock.
//!
//! `hf-hub` waits for a silent network as long as the system does, minutes in some failures. So the work happens on a
//! thread of its own, and the caller waits for its news with a limit. A thread that is given up ends with its request;
//! what it has downloaded until then stays in the cache and is resumed.

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;

use hf_hub::Cache;
use hf_hub::api::Progress;
use hf_hub::api::sync::{Api, ApiBuilder, ApiError};

use super::{Download, Hub, Repository, check, choice};
use crate::error::{Error, Result};

/// Attempts at a file beyond the first.
const RETRIES: usize = 3;

/// What the thread tells.
enum News {
    File {
        name: String,
        index: usize,
        count: usize,
    },
    Size(u64),
    Bytes(u64),
    /// Busy without the network.
    Checking,
    End(Result<PathBuf, Failure>),
}

/// Why it ended.
enum Failure {
    Hub(ApiError),
    /// The repository has no file that Easel reads.
    Nothing,
    Other(Error),
}

impl From<ApiError> for Failure {
    fn from(error: ApiError) -> Self {
        Failure::Hub(error)
    }
}

/// See [`Hub::fetch`].
pub(super) fn fetch(hub: &Hub, repository: &Repository, on_progress: &mut dyn FnMut(Download<'_>)) -> Result<PathBuf> {
    if hub.offline {
        return Err(hub.offline_error(repository, &[]));
    }
    let (sender, news) = channel();
    let (worker_hub, worker_repository) = (hub.clone(), repository.clone());
    let worker = move || {
        let result = download(&worker_hub, &worker_repository, &sender);
        // Nobody listens if the caller has given up.
        let _ = sender.send(News::End(result));
    };
    thread::Builder::new()
        .name("easel-download".into())
        .spawn(worker)
        .map_err(|error| Error::invalid(format!("cannot start a thread for the download: {error}")))?;
    listen(hub, repository, &news, on_progress)
}

/// Passes the news on until the end, or until none has come for too long.
fn listen(
    hub: &Hub,
    repository: &Repository,
    news: &Receiver<News>,
    on_progress: &mut dyn FnMut(Download<'_>),
) -> Result<PathBuf> {
    let (mut file, mut index, mut count, mut done, mut total) = (String::new(), 0, 0, 0, 0);
    // A checksum of gigabytes may take longer than a network may be silent.
    let mut checking = false;
    loop {
        let received =
            if checking { news.recv().map_err(RecvTimeoutError::from) } else { news.recv_timeout(hub.patience) };
        checking = false;
        match received {
            Ok(News::File { name, index: i, count: n }) => (file, index, count, done, total) = (name, i, n, 0, 0),
            // Told again when a broken connection is resumed.
            Ok(News::Size(size)) => (done, total) = (0, size),
            Ok(News::Bytes(bytes)) => done += bytes,
            Ok(News::Checking) => checking = true,
            Ok(News::End(Ok(folder))) => return Ok(folder),
            Ok(News::End(Err(failure))) => return Err(explain(hub, repository, failure)),
            Err(RecvTimeoutError::Timeout) => {
                let silence = format!("no answer for {} seconds", hub.patience.as_secs_f32());
                return Err(unreachable_error(hub, repository, &silence));
            }
            Err(RecvTimeoutError::Disconnected) => {
                return Err(unreachable_error(hub, repository, "the download broke off"));
            }
        }
        if count > 0 {
            on_progress(Download { file: &file, index, count, done, total });
        }
    }
}

/// On the thread: the listing, then every needed file at that one commit.
fn download(hub: &Hub, repository: &Repository, news: &Sender<News>) -> Result<PathBuf, Failure> {
    let api: Api = ApiBuilder::from_cache(Cache::new(hub.cache.clone()))
        .with_endpoint(hub.endpoint.clone())
        .with_token(hub.token.clone())
        .with_retries(RETRIES)
        .with_progress(false)
        .build()?;
    let info = api.repo(repository.handle(&repository.revision)).info()?;
    let listing: Vec<String> = info.siblings.into_iter().map(|sibling| sibling.rfilename).collect();
    let needed = choice::needed(&listing);
    if needed.is_empty() {
        return Err(Failure::Nothing);
    }
    let snapshot = hub.cache.join(repository.handle("main").folder_name()).join("snapshots").join(&info.sha);
    // All files from one commit, even if the branch moves meanwhile.
    let remote = api.repo(repository.handle(&info.sha));
    for (index, name) in needed.iter().enumerate() {
        if snapshot.join(name).exists() {
            continue;
        }
        let _ = news.send(News::File { name: name.clone(), index: index + 1, count: needed.len() });
        let path = remote.download_with_progress(name, Reporter(news.clone()))?;
        let _ = news.send(News::Checking);
        check::verify(&path).map_err(Failure::Other)?;
    }
    // Last, so that the branch never points at half a snapshot.
    let cached = Cache::new(hub.cache.clone()).repo(repository.handle(&repository.revision));
    cached.create_ref(&info.sha).map_err(ApiError::from)?;
    Ok(snapshot)
}

struct Reporter(Sender<News>);

impl Progress for Reporter {
    fn init(&mut self, size: usize, _filename: &str) {
        let _ = self.0.send(News::Size(size as u64));
    }
    fn update(&mut self, size: usize) {
        let _ = self.0.send(News::Bytes(size as u64));
    }
    fn finish(&mut self) {}
}

fn explain(hub: &Hub, repository: &Repository, failure: Failure) -> Error {
    match failure {
        Failure::Other(error) => error,
        Failure::Nothing => Error::invalid(format!("the repository `{repository}` holds no model that Easel reads"))
            .with_hint("Easel reads the folders of diffusers and transformers, with weights as safetensors"),
        Failure::Hub(ApiError::IoError(source)) if is_local(&source) => {
            Error::Io { action: "cannot write", path: hub.cache.clone(), source }
        }
        Failure::Hub(ApiError::LockAcquisition(path)) => {
            Error::invalid(format!("another program is downloading `{repository}` (lock {})", path.display()))
                .with_hint("wait until it has finished, then run again")
        }
        Failure::Hub(ApiError::InvalidResume) => no_resume(hub, repository),
        Failure::Hub(error) => match refusal(hub, repository, &error) {
            Some(refused) => refused,
            None => unreachable_error(hub, repository, &error.to_string()),
        },
    }
}

/// An error of this machine, not of the network.
fn is_local(error: &std::io::Error) -> bool {
    use std::io::ErrorKind as Kind;
    matches!(error.kind(), Kind::PermissionDenied | Kind::StorageFull | Kind::ReadOnlyFilesystem | Kind::NotADirectory)
}

/// The hub was reached and said no.
fn refusal(hub: &Hub, repository: &Repository, error: &ApiError) -> Option<Error> {
    let text = error.to_string();
    let says = |status: &str| text.contains(&format!("status code {status}"));
    // The hub does not tell a private repository from one that is not there.
    if says("404") || says("401") {
        let message = format!("there is no public repository `{repository}` on the hub");
        let hint = "check the name and the revision; for a private or gated one set HF_TOKEN";
        return Some(Error::invalid(message).with_hint(hint));
    }
    if says("403") {
        let message = format!("the hub does not let you read `{repository}`");
        return Some(Error::invalid(message).with_hint("accept its licence on its page, and set HF_TOKEN"));
    }
    // All of the file is there, under the name of a part: the process ended just before it was renamed.
    if says("416") {
        return Some(no_resume(hub, repository));
    }
    says("429").then(|| Error::invalid("the hub asks to slow down").with_hint("run again in a few minutes"))
}

fn no_resume(hub: &Hub, repository: &Repository) -> Error {
    let blobs = hub.cache.join(repository.handle("main").folder_name()).join("blobs");
    Error::invalid(format!("a broken-off download of `{repository}` cannot be resumed"))
        .with_hint(format!("remove the `*.part` files in {} and run again", blobs.display()))
}

fn unreachable_error(hub: &Hub, repository: &Repository, reason: &str) -> Error {
    Error::invalid(format!("cannot reach {} to fetch the repository `{repository}`: {reason}", hub.endpoint)).with_hint(
        format!("run again with a network connection (what is here already is kept), {}", hub.by_hand(repository)),
    )
}
