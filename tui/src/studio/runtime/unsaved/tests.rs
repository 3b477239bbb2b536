//! Several stores in one folder stand for several processes: locks belong to open files, not to processes.

use super::*;

const WORKFLOW: &str = "flow.ron";

fn unsaved(text: &str) -> Unsaved {
    Unsaved { base: "base".into(), text: text.into(), typed: None }
}

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Folder(tempfile::tempdir().expect("a temporary folder can be made"))
    }

    fn store(&self) -> Store {
        Store::new(Some(self.0.path().join("unsaved")))
    }

    fn workflow(&self) -> PathBuf {
        self.0.path().join(WORKFLOW)
    }

    fn keep(&self, store: &mut Store, text: &str) {
        store.keep(&self.workflow(), Some(&unsaved(text))).expect("it can be kept");
    }

    /// The texts that are offered, and what is told.
    fn offers(&self, store: &mut Store) -> (Vec<(u64, String)>, Vec<String>) {
        let (offers, told) = store.offers(&self.workflow());
        let texts = offers.into_iter().map(|offer| (offer.number, offer.unsaved.text.to_string()));
        (texts.collect(), told.into_iter().map(|(_, text)| text).collect())
    }

    fn files(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.0.path().join("unsaved")).into_iter().flatten().flatten();
        let mut names: Vec<_> = entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }
}

fn only(offers: (Vec<(u64, String)>, Vec<String>)) -> (u64, String) {
    match &offers.0[..] {
        [one] => one.clone(),
        _ => panic!("not one offer: {offers:?}"),
    }
}

#[test]
fn what_is_let_go_of_is_offered_to_whoever_opens_the_workflow_next_and_not_written_over() {
    let folder = Folder::new();
    let mut store = folder.store();
    folder.keep(&mut store, "left");
    assert_eq!(folder.offers(&mut store).0, [], "one's own");
    store.release(&folder.workflow());
    folder.keep(&mut store, "new");
    assert_eq!(only(folder.offers(&mut store)).1, "left");
}

#[test]
fn what_is_kept_is_offered_once_its_owner_is_gone_and_not_before() {
    let folder = Folder::new();
    let (mut one, mut other) = (folder.store(), folder.store());
    folder.keep(&mut one, "first");
    folder.keep(&mut one, "second");
    assert_eq!(folder.offers(&mut other).0, []);
    drop(one);
    let (number, text) = only(folder.offers(&mut other));
    assert_eq!(text, "second");
    // A third sees that somebody was asked already.
    assert_eq!(folder.offers(&mut folder.store()).0, []);
    folder.keep(&mut other, "merged");
    assert_eq!(
        folder.files().iter().filter(|name| name.ends_with(".txt")).count(),
        2,
        "the old goes after the new came"
    );
    other.forget(number);
    drop(other);
    assert_eq!(only(folder.offers(&mut folder.store())).1, "merged");
}

#[test]
fn each_removes_only_its_own() {
    let folder = Folder::new();
    let (mut one, mut other) = (folder.store(), folder.store());
    folder.keep(&mut one, "of one");
    folder.keep(&mut other, "of the other");
    other.keep(&folder.workflow(), None).expect("it can be removed");
    drop(other);
    drop(one);
    assert_eq!(only(folder.offers(&mut folder.store())).1, "of one");
}

#[test]
fn what_several_left_is_offered_oldest_first() {
    let folder = Folder::new();
    for (hours, text) in [(2, "old"), (1, "newer")] {
        let mut store = folder.store();
        folder.keep(&mut store, text);
        let place = &store.places[&folder.workflow()].text;
        let time = std::time::SystemTime::now() - Duration::from_secs(hours * 3600);
        File::options().append(true).open(place).and_then(|file| file.set_modified(time)).expect("it is there");
    }
    let offers = folder.offers(&mut folder.store()).0;
    let texts: Vec<_> = offers.iter().map(|(_, text)| text.as_str()).collect();
    assert_eq!(texts, ["old", "newer"]);
}

#[test]
fn nothing_is_removed_that_could_not_be_kept_anew() {
    let folder = Folder::new();
    let mut one = folder.store();
    folder.keep(&mut one, "precious");
    drop(one);
    let mut other = folder.store();
    let (number, _) = only(folder.offers(&mut other));
    // Where a folder was, nothing can be made any more.
    other.folder = Some(folder.0.path().join("none\0"));
    assert!(other.keep(&folder.workflow(), Some(&unsaved("precious"))).is_err());
    other.forget(number);
    drop(other);
    assert_eq!(only(folder.offers(&mut folder.store())).1, "precious");
}

#[test]
fn what_is_put_aside_is_a_file_that_nobody_is_asked_about() {
    let folder = Folder::new();
    for text in ["one", "two"] {
        let mut store = folder.store();
        folder.keep(&mut store, text);
        drop(store);
        let mut store = folder.store();
        let (number, _) = only(folder.offers(&mut store));
        let (_, told) = store.set_aside(number).expect("it is told");
        let path = told.split('`').nth(1).expect("it names the file");
        assert!(std::fs::read_to_string(path).is_ok_and(|content| content.contains(text)));
    }
    assert_eq!(folder.offers(&mut folder.store()).0, []);
    assert!(folder.files().iter().all(|name| name.contains(".aside-")), "{:?}", folder.files());
}

#[test]
fn damaged_files_are_told_and_put_aside_and_those_of_a_newer_easel_stay() {
    let folder = Folder::new();
    let mut store = folder.store();
    folder.keep(&mut store, "text");
    let place = store.places[&folder.workflow()].text.clone();
    drop(store);
    let whole = std::fs::read(&place).expect("it is there");
    for content in [&b""[..], &whole[..whole.len() / 2], b"\xff\xfe\0garbage"] {
        std::fs::write(&place, content).expect("it can be written");
        let (offers, told) = folder.offers(&mut folder.store());
        assert_eq!(offers, []);
        assert!(told.len() == 1 && told[0].contains("damaged"), "{told:?}");
        let path = told[0].split('`').nth(1).expect("it names the file");
        assert_eq!(std::fs::read(path).ok().as_deref(), Some(content), "nothing is deleted");
        assert_eq!(folder.offers(&mut folder.store()).1, [""; 0], "it is told once");
    }
    let newer = String::from_utf8_lossy(&whole).replace("format 1", "format 7");
    std::fs::write(&place, &newer).expect("it can be written");
    let (offers, told) = folder.offers(&mut folder.store());
    assert!(offers.is_empty() && told.len() == 1 && told[0].contains("newer easel"), "{told:?}");
    assert!(place.exists());
}

#[test]
fn locks_that_a_crash_left_are_tidied_up_and_others_are_not() {
    let folder = Folder::new();
    let mut living = folder.store();
    folder.keep(&mut living, "text");
    living.keep(&folder.workflow(), None).expect("it can be removed");
    let left = folder.0.path().join("unsaved").join(format!("{}-crashed.lock", name(&folder.workflow())));
    std::fs::write(&left, "").expect("it can be written");
    folder.offers(&mut folder.store());
    assert!(!left.exists());
    folder.keep(&mut living, "more");
    assert_eq!(folder.offers(&mut folder.store()).0, [], "its owner lives");
}

#[test]
fn a_folder_that_is_removed_meanwhile_is_made_again() {
    let folder = Folder::new();
    let mut store = folder.store();
    folder.keep(&mut store, "one");
    std::fs::remove_dir_all(folder.0.path().join("unsaved")).expect("it can be removed");
    folder.keep(&mut store, "two");
    drop(store);
    assert_eq!(only(folder.offers(&mut folder.store())).1, "two");
}

#[test]
fn a_workflow_is_known_by_whatever_way_it_is_reached_and_when_it_is_gone() {
    let folder = Folder::new();
    let path = folder.workflow();
    std::fs::write(&path, "x").expect("it can be written");
    let there = name(&path);
    assert_eq!(name(&folder.0.path().join(".").join(WORKFLOW)), there);
    assert_ne!(name(&folder.0.path().join("other.ron")), there);
    std::fs::remove_file(&path).expect("it can be removed");
    assert_eq!(name(&path), there);
    assert_eq!(name(&folder.0.path().join(".").join(WORKFLOW)), there);
}

#[test]
fn two_never_save_at_once() {
    let folder = Folder::new();
    let (one, other) = (folder.store(), folder.store());
    let alone = one.saving().expect("nobody else saves");
    assert!(alone.is_some());
    assert!(other.saving().is_err_and(|error| error.to_string().contains("another easel is saving")));
    drop(alone);
    assert!(other.saving().is_ok_and(|alone| alone.is_some()));
}
