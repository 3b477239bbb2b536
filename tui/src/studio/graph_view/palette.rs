//! What the graph's parts look like: colours are the theme's business, signs are ours.

use ratatui::style::{Color, Modifier, Style};

/// What something in the graph is drawn as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Look {
    /// The border of a box.
    Border,
    /// The border of the box that the keys are on.
    Selected,
    /// The border of a box that is marked.
    Marked,
    /// The name of a node that a search has found.
    Found,
    /// The name of a node.
    Name,
    /// The type of a node, and other words that matter less.
    Dim,
    /// The name of a socket.
    Socket,
    /// What is written in an input.
    Literal,
    /// Errors, what is missing, and what failed.
    Error,
    /// Warnings, and what was stopped.
    Warning,
    /// What is at work, and its bar.
    Running,
    /// What is done.
    Done,
    /// What was known already.
    Cached,
    /// What waits, or did not run.
    Waiting,
    /// The part of the minimap that is on the screen.
    Viewport,
}

/// Gives the graph its colours.
pub trait Palette {
    /// How that looks.
    fn look(&self, look: Look) -> Style;

    /// The colour of a kind of values: of its sockets and wires. Empty for a kind that is not known.
    fn kind(&self, kind: &str) -> Style;

    /// Whether only ASCII may be drawn.
    fn is_ascii(&self) -> bool {
        false
    }
}

/// The terminal's own colours.
#[derive(Clone, Copy, Debug, Default)]
pub struct Plain {
    /// Only ASCII may be drawn.
    pub is_ascii: bool,
}

impl Palette for Plain {
    fn look(&self, look: Look) -> Style {
        match look {
            Look::Border | Look::Dim | Look::Waiting => Style::new().fg(Color::DarkGray),
            Look::Selected => Style::new().fg(Color::White).add_modifier(Modifier::BOLD),
            Look::Marked => Style::new().fg(Color::Magenta),
            Look::Found => Style::new().fg(Color::Black).bg(Color::Yellow),
            Look::Name => Style::new().add_modifier(Modifier::BOLD),
            Look::Socket => Style::new(),
            Look::Literal | Look::Cached => Style::new().fg(Color::Cyan),
            Look::Error => Style::new().fg(Color::Red),
            Look::Warning => Style::new().fg(Color::Yellow),
            Look::Running => Style::new().fg(Color::Blue),
            Look::Done => Style::new().fg(Color::Green),
            Look::Viewport => Style::new().add_modifier(Modifier::REVERSED),
        }
    }

    fn kind(&self, kind: &str) -> Style {
        const COLOURS: [Color; 6] = [
            Color::LightBlue,
            Color::LightGreen,
            Color::LightMagenta,
            Color::LightCyan,
            Color::LightYellow,
            Color::Blue,
        ];
        let sum = kind.bytes().fold(7_usize, |sum, byte| sum.wrapping_mul(31).wrapping_add(usize::from(byte)));
        Style::new().fg(COLOURS[sum % COLOURS.len()])
    }

    fn is_ascii(&self) -> bool {
        self.is_ascii
    }
}

/// The signs that the graph is made of, each one column wide.
pub(super) struct Signs {
    /// Upper left, upper right, lower left, lower right, horizontal, vertical.
    pub(super) frame: [&'static str; 6],
    /// The same of the selected box.
    pub(super) selected: [&'static str; 6],
    /// The same of a box that is left out.
    pub(super) left_out: [&'static str; 6],
    /// Lines, by the sum of the directions in which they go on: up 1, right 2, down 4, left 8.
    pub(super) lines: [&'static str; 16],
    /// The same of the wire that the keys are on.
    pub(super) heavy: [&'static str; 16],
    /// An input that is wired, one that is not; the same of lazy ones; one that is missing.
    pub(super) sockets: [&'static str; 5],
    /// Ends of a box of one line where there is no socket.
    pub(super) ends: [&'static str; 2],
    pub(super) from_input: &'static str,
    pub(super) more: &'static str,
    pub(super) error: &'static str,
    pub(super) warning: &'static str,
    pub(super) body: &'static str,
    /// The part of a bar that is done, and the rest.
    pub(super) bar: [&'static str; 2],
    pub(super) waiting: &'static str,
    pub(super) cached: &'static str,
    pub(super) running: &'static str,
    pub(super) done: &'static str,
    pub(super) failed: &'static str,
    pub(super) skipped: &'static str,
    pub(super) blocked: &'static str,
    pub(super) cancelled: &'static str,
}

static UNICODE: Signs = Signs {
    frame: ["╭", "╮", "╰", "╯", "─", "│"],
    selected: ["┏", "┓", "┗", "┛", "━", "┃"],
    left_out: ["╭", "╮", "╰", "╯", "┄", "┆"],
    lines: [" ", "╵", "╶", "╰", "╷", "│", "╭", "├", "╴", "╯", "─", "┴", "╮", "┤", "┬", "┼"],
    heavy: [" ", "╹", "╺", "┗", "╻", "┃", "┏", "┣", "╸", "┛", "━", "┻", "┓", "┫", "┳", "╋"],
    sockets: ["●", "○", "◆", "◇", "?"],
    ends: ["(", ")"],
    from_input: "←",
    more: "…",
    error: "✗",
    warning: "▲",
    body: "⊞",
    bar: ["━", "╌"],
    waiting: "◦",
    cached: "≡",
    running: "►",
    done: "✓",
    failed: "✗",
    skipped: "↷",
    blocked: "⊘",
    cancelled: "■",
};

static ASCII: Signs = Signs {
    frame: ["+", "+", "+", "+", "-", "|"],
    selected: ["#", "#", "#", "#", "=", "#"],
    left_out: ["+", "+", "+", "+", ".", ":"],
    lines: [" ", "|", "-", "+", "|", "|", "+", "+", "-", "+", "-", "+", "+", "+", "+", "+"],
    heavy: [" ", "H", "=", "#", "H", "H", "#", "#", "=", "#", "=", "#", "#", "#", "#", "#"],
    sockets: ["*", "o", "*", "o", "?"],
    ends: ["(", ")"],
    from_input: "<",
    more: "~",
    error: "x",
    warning: "!",
    body: "&",
    bar: ["=", "."],
    waiting: ".",
    cached: "=",
    running: ">",
    done: "+",
    failed: "x",
    skipped: "/",
    blocked: "#",
    cancelled: "!",
};

/// The signs for a palette.
pub(super) fn signs(palette: &dyn Palette) -> &'static Signs {
    if palette.is_ascii() { &ASCII } else { &UNICODE }
}
