//! Which key does what, and where. Help, key bar and palette are made from it.

mod action;
mod chord;
mod words;

use std::collections::BTreeMap;

use serde::Deserialize;

pub(crate) use action::Action;
pub(crate) use chord::Chord;

/// Where keys mean something of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Context {
    /// Everywhere, unless the place has another meaning for it.
    Anywhere,
    /// The graph.
    Graph,
    /// The selected node.
    Inspector,
    /// What is wrong.
    Problems,
    /// The run.
    Monitor,
    /// What was told.
    Log,
    /// The journal.
    Runs,
    /// The pictures that were drawn.
    Gallery,
    /// What waits to be run.
    Queue,
    /// The list of workflows.
    Chooser,
    /// A picture on the whole screen.
    Picture,
    /// The times of the run on the whole screen.
    Timeline,
    /// Why a node failed, on the whole screen.
    Failure,
    /// The inputs of the workflow.
    Inputs,
}

impl Context {
    /// As help calls it.
    fn title(self) -> &'static str {
        match self {
            Context::Anywhere => "Everywhere",
            Context::Graph => "In the graph",
            Context::Inspector => "At the node",
            Context::Problems => "In the list of problems",
            Context::Monitor => "In the run",
            Context::Log => "In the log",
            Context::Runs => "In the list of runs",
            Context::Gallery => "In the gallery",
            Context::Queue => "In the queue",
            Context::Chooser => "In the list of workflows",
            Context::Picture => "At a picture",
            Context::Timeline => "At the times of a run",
            Context::Failure => "At a failure",
            Context::Inputs => "At the inputs of the workflow",
        }
    }
}

/// What a keymap's file holds: `Keymap(keys: { "run": ["ctrl-r"], "quit": [] })`. An action that it names has those keys
/// and no others; one that it does not name keeps its own.
#[derive(Debug, Default, Deserialize)]
#[serde(rename = "Keymap", default, deny_unknown_fields)]
pub(crate) struct KeymapFile {
    keys: BTreeMap<String, Vec<String>>,
}

/// The keys of all actions.
#[derive(Clone, Debug)]
pub(crate) struct Keymap {
    bindings: Vec<(Action, Vec<Chord>)>,
    /// The terminal tells all keys apart; otherwise only those are shown that any terminal can send.
    pub(crate) has_all_keys: bool,
}

impl Default for Keymap {
    fn default() -> Self {
        let keys = |action: Action| action.default_keys().iter().filter_map(|key| key.parse().ok()).collect();
        Keymap { bindings: Action::ALL.iter().map(|action| (*action, keys(*action))).collect(), has_all_keys: false }
    }
}

impl Keymap {
    /// The usual keys, changed as a file says; else everything that is wrong with it.
    pub(crate) fn from_file(file: &KeymapFile) -> Result<Self, Vec<String>> {
        let mut keymap = Keymap::default();
        let mut wrong = Vec::new();
        let mut chosen = Vec::new();
        for (name, keys) in &file.keys {
            let Some(entry) = keymap.bindings.iter_mut().find(|(action, _)| action.name() == name) else {
                wrong.push(unknown(name));
                continue;
            };
            entry.1.clear();
            for key in keys {
                match key.parse() {
                    Ok(chord) => entry.1.push(chord),
                    Err(why) => wrong.push(format!("of the action `{name}`: {why}")),
                }
            }
            chosen.push(entry.0);
        }
        keymap.make_room(&chosen);
        wrong.extend(keymap.conflicts());
        if !keymap.bindings.iter().any(|(action, keys)| *action == Action::Back && !keys.is_empty()) {
            wrong.push("the action `back` needs a key: without it there is no way out".into());
        }
        if wrong.is_empty() { Ok(keymap) } else { Err(wrong) }
    }

    /// A key that somebody chose is no longer that of the actions that had it.
    fn make_room(&mut self, chosen: &[Action]) {
        let taken: Vec<(Action, Chord)> = self
            .bindings
            .iter()
            .filter(|(action, _)| chosen.contains(action))
            .flat_map(|(action, keys)| keys.iter().map(|key| (*action, *key)))
            .collect();
        for (action, keys) in self.bindings.iter_mut().filter(|(action, _)| !chosen.contains(action)) {
            keys.retain(|key| !taken.iter().any(|(other, taken)| taken == key && meet(*action, *other)));
        }
    }

    fn conflicts(&self) -> Vec<String> {
        let mut conflicts = Vec::new();
        for (index, (action, keys)) in self.bindings.iter().enumerate() {
            for (other, others) in &self.bindings[index + 1..] {
                for key in keys.iter().filter(|key| others.contains(key) && meet(*action, *other)) {
                    conflicts.push(format!("`{key}` is given to `{}` and to `{}`", action.name(), other.name()));
                }
            }
        }
        conflicts
    }

    /// What a key does here.
    pub(crate) fn action(&self, chord: Chord, context: Context) -> Option<Action> {
        let bound = |context: Context| {
            let here = self.bindings.iter().filter(move |(action, _)| action.contexts().contains(&context));
            here.filter(move |(_, keys)| keys.contains(&chord)).map(|(action, _)| *action).next()
        };
        bound(context).or_else(|| bound(Context::Anywhere))
    }

    /// The first key of an action that the terminal can send, as people write it.
    pub(crate) fn key(&self, action: Action) -> Option<String> {
        self.keys(action).next().map(|key| key.to_string())
    }

    /// All keys of an action that the terminal can send.
    pub(crate) fn keys(&self, action: Action) -> impl Iterator<Item = &Chord> {
        let keys = self.bindings.iter().filter(move |(known, _)| *known == action).flat_map(|(_, keys)| keys);
        keys.filter(|key| self.has_all_keys || key.is_plain())
    }

    /// The actions that mean something here: first those of the place, then those of everywhere.
    pub(crate) fn actions(context: Context) -> impl Iterator<Item = Action> {
        Keymap::sections(context).flat_map(|(_, actions)| actions)
    }

    /// The actions that mean something here, by where they do: those of the place, then those of everywhere.
    pub(crate) fn sections(context: Context) -> impl Iterator<Item = (&'static str, Vec<Action>)> {
        let of =
            |wanted: Context| Action::ALL.iter().copied().filter(move |a| a.contexts().contains(&wanted)).collect();
        let places = [context, Context::Anywhere].into_iter().skip(usize::from(context == Context::Anywhere));
        places.map(move |place| (place.title(), of(place))).filter(|(_, actions): &(_, Vec<_>)| !actions.is_empty())
    }
}

/// Whether two actions could be meant by one key in one place. What a place says goes before what is said everywhere.
fn meet(one: Action, other: Action) -> bool {
    one != other && one.contexts().iter().any(|context| other.contexts().contains(context))
}

fn unknown(name: &str) -> String {
    let nearest = Action::ALL.iter().map(|action| (strsim::osa_distance(name, action.name()), action.name())).min();
    match nearest {
        Some((0..=3, near)) => format!("there is no action `{name}`; did you mean `{near}`?"),
        _ => format!("there is no action `{name}`; `?` lists them with their names"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keymap(text: &str) -> Result<Keymap, Vec<String>> {
        Keymap::from_file(&ron::from_str(text).expect("it is RON"))
    }

    fn chord(text: &str) -> Chord {
        text.parse().expect("it is a key")
    }

    #[test]
    fn every_default_key_is_one_and_means_one_thing() {
        for action in Action::ALL {
            for key in action.default_keys() {
                assert_eq!(key.parse::<Chord>().map(|chord| chord.to_string()), Ok((*key).to_string()));
            }
        }
        assert_eq!(Keymap::default().conflicts(), Vec::<String>::new());
    }

    #[test]
    fn only_keys_are_shown_that_the_terminal_can_send_and_every_action_has_one() {
        let shown = |keymap: &Keymap, action| keymap.keys(action).map(ToString::to_string).collect::<Vec<_>>();
        let mut keymap = Keymap::default();
        assert_eq!(shown(&keymap, Action::Run), ["r", "f5"]);
        assert_eq!(shown(&keymap, Action::Mute), ["m"]);
        for action in Action::ALL.iter().filter(|action| !action.default_keys().is_empty()) {
            assert!(keymap.key(*action).is_some(), "{}", action.name());
        }
        // What the terminal sends all the same is understood.
        assert_eq!(keymap.action(chord("ctrl-enter"), Context::Graph), Some(Action::Run));
        keymap.has_all_keys = true;
        assert_eq!(shown(&keymap, Action::Run), ["r", "ctrl-enter", "f5"]);
    }

    #[test]
    fn a_place_goes_before_everywhere() {
        let keymap = Keymap::default();
        assert_eq!(keymap.action(chord("/"), Context::Graph), Some(Action::Search));
        assert_eq!(keymap.action(chord("/"), Context::Log), Some(Action::Filter));
        assert_eq!(keymap.action(chord("/"), Context::Problems), None);
        assert_eq!(keymap.action(chord("r"), Context::Runs), Some(Action::Run));
    }

    #[test]
    fn a_file_takes_keys_from_those_that_had_them() {
        let keymap = keymap(r#"Keymap(keys: { "run": ["q", "ctrl-r"], "quit": ["ctrl-x"] })"#).expect("it is sound");
        assert_eq!(keymap.action(chord("q"), Context::Graph), Some(Action::Run));
        assert_eq!(keymap.action(chord("r"), Context::Graph), None);
        assert_eq!(keymap.action(chord("ctrl-x"), Context::Graph), Some(Action::Quit));
        assert_eq!(keymap.key(Action::Run).as_deref(), Some("q"));
    }

    #[test]
    fn everything_that_is_wrong_with_a_file_is_told() {
        let wrong = keymap(r#"Keymap(keys: { "rnu": ["x"], "quit": ["hyper-q"], "help": ["x"], "log": ["x"] })"#)
            .expect_err("it is wrong");
        assert_eq!(wrong.len(), 3, "{wrong:?}");
        assert!(wrong.iter().any(|why| why.contains("did you mean `run`?")), "{wrong:?}");
        assert!(wrong.iter().any(|why| why.contains("of the action `quit`: `hyper-q` is no key")), "{wrong:?}");
        assert!(wrong.iter().any(|why| why.contains("`x` is given to `help` and to `log`")), "{wrong:?}");
        let wrong = keymap(r#"Keymap(keys: { "back": [] })"#).expect_err("there is no way out");
        assert!(wrong[0].contains("no way out"), "{wrong:?}");
    }
}
