//! What people call actions: short words for the key bar, and others under which they look for them.

use super::Action;

impl Action {
    /// In a word or two, as the key bar shows it.
    pub(crate) fn short(self) -> &'static str {
        match self {
            Action::NextPane => "other pane",
            Action::PreviousPane => "next tab",
            Action::ShowInspector => "node",
            Action::ShowSweep => "grid",
            Action::AddNode => "add node",
            Action::AddInput => "add input",
            Action::RenameInput => "rename",
            Action::RemoveInput => "remove",
            Action::CloseWorkflow => "files",
            Action::LogLevel => "level",
            Action::RunAgain => "run again",
            Action::CancelRun => "stop it",
            Action::Cancel => "stop",
            Action::AnotherSeed => "new seed",
            Action::UsePrompt => "use prompt",
            Action::MarkToCompare => "mark",
            Action::CopyCommand | Action::CopyFailure => "copy",
            Action::ShowFolder => "folder",
            Action::PriorityUp => "sooner",
            Action::PriorityDown => "later",
            Action::MoveUp => "up",
            Action::MoveDown => "down",
            Action::RemoveJob => "remove",
            Action::CancelAll => "stop all",
            Action::Fix => "mend",
            Action::FixAll => "mend all",
            Action::NextPicture | Action::NextFailure => "next",
            Action::PreviousPicture | Action::PreviousFailure => "before",
            Action::ActualSize => "pixels",
            Action::SwitchOrder => "order",
            Action::Palette => "find action",
            Action::Activate => "open",
            Action::Increase => "more",
            Action::Decrease => "less",
            Action::OpenAsRun => "open it",
            Action::Last => "newest",
            other => other.name(),
        }
    }

    /// Other words under which people look for it.
    pub(crate) fn synonyms(self) -> &'static [&'static str] {
        match self {
            Action::Run => &["start", "execute", "draw", "generate", "render", "queue prompt"],
            Action::Cancel => &["stop", "abort", "interrupt", "halt", "kill"],
            Action::Help => &["keys", "shortcuts", "manual", "hotkeys"],
            Action::Back => &["escape", "close", "return"],
            Action::Quit => &["exit", "leave", "close easel", "end"],
            Action::CloseWorkflow => {
                &["file", "files", "open file", "folder", "list of files", "other workflow", "load"]
            }
            Action::ShowInputs => &["input", "prompt", "seed", "settings", "parameters", "text", "steps"],
            Action::AddInput => &["new input", "declare"],
            Action::RemoveInput => &["delete input"],
            Action::ShowInspector => &["node", "details", "properties", "parameters"],
            Action::ShowProblems => &["errors", "warnings", "diagnostics", "issues"],
            Action::ShowMonitor => &["run", "progress", "watch", "status"],
            Action::ShowLog => &["messages", "output"],
            Action::ShowRuns => &["history", "journal"],
            Action::ShowGallery => &["pictures", "images", "results"],
            Action::ShowQueue => &["jobs", "waiting"],
            Action::ShowPicture => &["image", "preview", "result", "view"],
            Action::ShowTimeline => &["profile", "times", "gantt", "performance", "slow"],
            Action::ShowFailure => &["error", "why", "crash"],
            Action::Maximise => &["fullscreen", "full screen", "zoom pane", "whole screen"],
            Action::NextPane => &["switch", "focus", "window"],
            Action::ZoomIn => &["zoom", "closer", "larger"],
            Action::ZoomOut => &["zoom", "farther", "smaller"],
            Action::Fit => &["zoom all", "overview", "reset view"],
            Action::Search => &["find", "go to node"],
            Action::Save => &["write", "store", "diff", "changes"],
            Action::Undo => &["take back", "revert"],
            Action::Redo => &["again", "repeat change"],
            Action::AddNode => &["new node", "insert", "create"],
            Action::Delete => &["remove", "erase"],
            Action::Duplicate => &["copy node", "clone"],
            Action::Mute => &["disable", "off", "skip"],
            Action::Bypass => &["disable", "skip", "pass through"],
            Action::Connect => &["wire", "link", "edge"],
            Action::Fix => &["repair", "mend", "hint", "quick fix"],
            Action::FixAll => &["repair all", "mend all"],
            Action::Extract => &["subgraph", "include", "module"],
            Action::Editor => &["vim", "nano", "external editor", "long text"],
            Action::Reset => &["default", "clear"],
            Action::Sweep => &["grid", "variations", "compare values", "xy plot"],
            Action::Enqueue => &["later", "add to queue", "batch"],
            Action::Leave => &["parent", "out", "up"],
            Action::Group => &["frame", "cluster"],
            Action::Fold => &["collapse", "expand"],
            _ => &[],
        }
    }
}
