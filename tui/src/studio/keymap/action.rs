//! Everything that a key can do.

use super::Context;
use Context::{
    Anywhere, Chooser, Failure, Gallery, Graph, Inputs, Inspector, Log, Monitor, Picture, Problems, Queue, Runs,
    Timeline as Times,
};

/// Names the actions, and says of each what help, palette and keymap need to know.
macro_rules! actions {
    ($($variant:ident $name:literal $about:literal in [$($context:ident),+] by [$($key:literal),*];)+) => {
        /// Something that a key can do.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub(crate) enum Action {
            $(#[doc = $about] $variant,)+
        }

        impl Action {
            /// All of them, in the order in which help lists them.
            pub(crate) const ALL: &[Action] = &[$(Action::$variant,)+];

            /// As the keymap's file names it.
            pub(crate) fn name(self) -> &'static str {
                match self { $(Action::$variant => $name,)+ }
            }

            /// What it does.
            pub(crate) fn about(self) -> &'static str {
                match self { $(Action::$variant => $about,)+ }
            }

            /// Where it does something.
            pub(crate) fn contexts(self) -> &'static [Context] {
                match self { $(Action::$variant => &[$($context),+],)+ }
            }

            /// The keys that it has unless somebody chose others.
            pub(super) fn default_keys(self) -> &'static [&'static str] {
                match self { $(Action::$variant => &[$($key),*],)+ }
            }
        }
    };
}

actions! {
    Run "run" "run the workflow" in [Anywhere] by ["r", "ctrl-enter", "f5"];
    Cancel "cancel" "stop the run; again within two seconds: leave" in [Anywhere] by ["ctrl-c"];
    Palette "palette" "find an action by its name" in [Anywhere] by [":", "ctrl-p"];
    Help "help" "what the keys do here" in [Anywhere] by ["?", "f1"];
    Back "back" "one step back" in [Anywhere] by ["esc"];
    Quit "quit" "leave" in [Anywhere] by ["q", "ctrl-q"];
    NextPane "next-pane" "go to the other pane" in [Anywhere] by ["tab"];
    PreviousPane "previous-pane" "the next tab of the side pane" in [Anywhere] by ["shift-tab"];
    Maximise "maximise" "give this pane the whole screen, or no longer" in [Anywhere] by ["Z"];
    ShowInspector "inspector" "show the selected node" in [Anywhere] by ["1"];
    ShowProblems "problems" "show what is wrong with the workflow" in [Anywhere] by ["2"];
    ShowMonitor "monitor" "show the run: nodes, rates, times, pictures" in [Anywhere] by ["3"];
    ShowLog "log" "show what was told" in [Anywhere] by ["4"];
    ShowRuns "runs" "show all runs of the journal" in [Anywhere] by ["5"];
    Up "up" "up" in [Anywhere] by ["up", "k"];
    Down "down" "down" in [Anywhere] by ["down", "j"];
    Left "left" "left" in [Graph, Gallery, Picture, Times] by ["left", "h"];
    Right "right" "right" in [Graph, Gallery, Picture, Times] by ["right", "l"];
    First "first" "to the first" in [Anywhere] by ["home", "g"];
    Last "last" "to the last" in [Anywhere] by ["end", "G"];
    PageUp "page-up" "a page up" in [Anywhere] by ["pgup", "ctrl-u"];
    PageDown "page-down" "a page down" in [Anywhere] by ["pgdn", "ctrl-d"];
    Activate "open" "open what is selected" in [Graph, Inspector, Problems, Runs, Gallery, Queue, Chooser, Times, Monitor, Log, Failure, Inputs] by ["enter"];
    Upstream "upstream" "along a wire to what the node takes from" in [Graph] by ["[", "ctrl-left"];
    Downstream "downstream" "along a wire to what takes from the node" in [Graph] by ["]", "ctrl-right"];
    Search "search" "find a node" in [Graph] by ["/"];
    SearchNext "search-next" "the next that was found" in [Graph] by ["n"];
    SearchPrevious "search-previous" "the one before that was found" in [Graph] by ["N"];
    ZoomIn "zoom-in" "show more of each node" in [Graph] by ["+", "="];
    ZoomOut "zoom-out" "show less of each node" in [Graph] by ["minus"];
    PanLeft "pan-left" "move the view to the left" in [Graph] by ["H", "shift-left"];
    PanRight "pan-right" "move the view to the right" in [Graph] by ["L", "shift-right"];
    PanUp "pan-up" "move the view up" in [Graph] by ["K", "shift-up"];
    PanDown "pan-down" "move the view down" in [Graph] by ["J", "shift-down"];
    Fit "fit" "show the whole graph, with as much of each node as there is room for" in [Graph] by ["0", "."];
    Centre "centre" "bring the selected node to the middle" in [Graph] by ["z"];
    LogLevel "log-level" "show more or less of the log" in [Log] by ["v"];
    Filter "filter" "show only what has a text" in [Log, Runs, Gallery] by ["/"];
    RunAgain "run-again" "run it again as it was" in [Runs] by ["a"];
    Resume "resume" "go on with a run that did not complete" in [Runs] by ["u"];
    CancelRun "cancel-run" "stop this run, whoever carries it out" in [Runs, Queue] by ["x"];
    Follow "follow" "watch a run of another process" in [Runs, Queue] by ["f"];
    Undo "undo" "take the last change back" in [Graph, Inspector, Inputs] by ["u", "ctrl-z"];
    Redo "redo" "do again what was taken back" in [Graph, Inspector, Inputs] by ["ctrl-r", "ctrl-y"];
    Save "save" "show what changed, and write it into the file" in [Anywhere] by ["ctrl-s", "w"];
    AddNode "add-node" "add a node, those that fit the selected one first" in [Graph] by ["a"];
    Delete "delete" "delete the node, or what feeds the input" in [Graph, Inspector] by ["x", "delete"];
    Duplicate "duplicate" "add a copy of the node" in [Graph] by ["D"];
    Rename "rename" "give the node another name" in [Graph] by ["f2", "R"];
    Mute "mute" "leave the node and what needs it out, or no longer" in [Graph] by ["m", "ctrl-m"];
    Bypass "bypass" "leave the node out and pass on what it is given, or no longer" in [Graph] by ["b", "ctrl-b"];
    Connect "connect" "wire the socket to another that fits" in [Graph, Inspector] by ["c"];
    Fix "fix" "do what the hint says" in [Graph, Inspector, Problems] by ["f"];
    FixAll "fix-all" "do what all hints say that can be done by a key" in [Graph, Inspector, Problems] by ["F"];
    Mark "mark" "mark the node for what is done next, or no longer" in [Graph] by ["space"];
    MarkAll "mark-all" "mark all nodes, or none" in [Graph] by ["*", "ctrl-a"];
    MarkConnected "mark-connected" "mark the node and all that wires lead to from it" in [Graph] by ["C"];
    Extract "extract" "make a workflow of the nodes, to be used like a node" in [Graph] by ["e"];
    NextSocket "next-socket" "to the next socket of the node" in [Graph] by ["s"];
    PreviousSocket "previous-socket" "to the socket before" in [Graph] by ["S"];
    SelectWire "wire" "to the next wire of the node" in [Graph] by ["W"];
    Increase "increase" "the next value" in [Inspector, Inputs] by ["+", "=", "right", "l"];
    Decrease "decrease" "the value before" in [Inspector, Inputs] by ["minus", "left", "h"];
    IncreaseMore "increase-more" "ten values on" in [Inspector, Inputs] by ["shift-right", "L"];
    DecreaseMore "decrease-more" "ten values back" in [Inspector, Inputs] by ["shift-left", "H"];
    Reset "reset" "take away what is written: what is usual is used" in [Inspector, Inputs] by ["backspace"];
    Editor "editor" "write the text in $VISUAL or $EDITOR" in [Inspector, Inputs] by ["E"];
    Group "group" "make a group of the nodes" in [Graph] by ["ctrl-g"];
    Ungroup "ungroup" "the nodes of the group are in none" in [Graph] by ["U"];
    RenameGroup "rename-group" "give the group another name" in [Graph] by ["T"];
    GroupColour "group-colour" "the next colour of the group" in [Graph] by ["I"];
    Fold "fold" "draw the group as one box, or no longer" in [Graph] by ["v", "alt-c"];
    FoldAll "fold-all" "draw all groups as one box each, or none" in [Graph] by ["V"];
    Leave "leave" "out of the workflow that was entered" in [Graph] by ["backspace"];
    CopyCommand "copy-command" "copy the command line that repeats it" in [Runs, Gallery] by ["y"];
    ShowFolder "show-folder" "show the folder of what it wrote on the desktop" in [Runs, Gallery] by ["O"];
    OpenAsRun "open-as-run" "open the workflow as it was run" in [Runs, Gallery] by ["o"];
    ShowGallery "gallery" "show the pictures that were drawn" in [Anywhere] by ["6"];
    AnotherSeed "another-seed" "run what drew it again, with another seed" in [Gallery] by ["r"];
    UsePrompt "use-prompt" "use its prompt in the open workflow" in [Gallery] by ["p"];
    MarkToCompare "mark-to-compare" "mark it to be compared, or no longer" in [Runs, Gallery] by ["m", "space"];
    Compare "compare" "compare the two that are marked" in [Runs, Gallery] by ["c"];
    Sweep "sweep" "run it with several values of this input, or of two" in [Inspector, Inputs] by ["S"];
    ShowSweep "sweep-grid" "show the pictures of a sweep as a grid: that of the run with the cursor, or the last" in [Anywhere] by ["8"];
    ShowQueue "queue" "show what waits to be run" in [Anywhere] by ["7"];
    Enqueue "enqueue" "put the workflow into the queue" in [Anywhere] by ["Q"];
    Drain "drain" "carry out what waits here, one after another, or no longer" in [Queue] by ["d"];
    PriorityUp "priority-up" "a higher priority" in [Queue] by ["+", "="];
    PriorityDown "priority-down" "a lower priority" in [Queue] by ["minus"];
    MoveUp "move-up" "one place up, with the priority there" in [Queue] by ["K", "shift-up"];
    MoveDown "move-down" "one place down, with the priority there" in [Queue] by ["J", "shift-down"];
    RemoveJob "remove-job" "take it out of the queue" in [Queue] by ["delete", "D"];
    CancelAll "cancel-all" "cancel all that waits or is carried out" in [Queue] by ["X"];
    Forget "forget" "forget the run; the files that it wrote stay" in [Runs] by ["d", "delete"];
    CloseWorkflow "workflows" "the list of files: choose another workflow" in [Graph, Inspector, Inputs, Problems, Monitor, Log, Queue] by ["o", "ctrl-o"];
    ShowPicture "picture" "look at a picture of the run on the whole screen" in [Anywhere] by ["i"];
    NextPicture "next-picture" "the next picture" in [Picture] by ["n", "]", "space"];
    PreviousPicture "previous-picture" "the picture before" in [Picture] by ["p", "[", "N"];
    Closer "closer" "larger" in [Picture, Times] by ["+", "="];
    Farther "farther" "smaller" in [Picture, Times] by ["minus"];
    Fill "fill" "as large as there is room" in [Picture, Times] by ["f", "0"];
    ActualSize "actual-size" "pixel by pixel" in [Picture] by ["1"];
    ShowTimeline "timeline" "when each node ran, and where the time went" in [Anywhere] by ["t"];
    ShowFailure "failure" "why a node failed: the whole story" in [Anywhere] by ["!"];
    NextFailure "next-failure" "the next node that failed" in [Failure] by ["n", "]"];
    PreviousFailure "previous-failure" "the one that failed before" in [Failure] by ["p", "[", "N"];
    CopyFailure "copy-failure" "copy the whole story, with versions and the line that repeats it" in [Failure] by ["y"];
    SwitchOrder "order" "by time, by lanes, or what took longest first" in [Times] by ["s"];
    ShowInputs "inputs" "the inputs of the workflow: the prompt, the seed and so on" in [Anywhere] by ["p", "9"];
    AddInput "add-input" "add an input to the workflow" in [Inputs] by ["a"];
    RenameInput "rename-input" "give the input another name" in [Inputs] by ["f2", "R"];
    RemoveInput "remove-input" "take the input away, and what it feeds with it" in [Inputs] by ["x", "delete"];
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_action_has_a_name_and_words_of_its_own() {
        for (index, action) in Action::ALL.iter().enumerate() {
            let is_kebab = action.name().chars().all(|c| c.is_ascii_lowercase() || c == '-');
            assert!(is_kebab && !action.about().is_empty(), "{}", action.name());
            assert!(Action::ALL[index + 1..].iter().all(|other| other.name() != action.name()), "{}", action.name());
        }
    }
}
