//! How the terminal can be shown pictures. Pure: what the environment and the terminal say comes in as arguments.

use clap::ValueEnum;
use serde::Deserialize;

use super::theme::Depth;

/// What somebody wants pictures to be drawn with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ValueEnum)]
pub(crate) enum Pictures {
    /// The best that the terminal is known to do
    #[default]
    Auto,
    /// Pixels, by kitty's protocol
    Kitty,
    /// Pixels, by that of iTerm2
    Iterm2,
    /// Pixels, as sixels
    Sixel,
    /// Two coloured pixels in a character; shades of grey where there are few colours
    Blocks,
    /// No pictures
    None,
}

/// What pictures are drawn with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// They are not drawn.
    None,
    /// Characters.
    Blocks,
    /// Sixels.
    Sixel,
    /// Files within the text, as iTerm2 has them.
    Iterm2,
    /// Kitty's protocol, with characters that stand where the picture is.
    Kitty,
}

/// How pictures are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Graphics {
    /// With what.
    pub(crate) protocol: Protocol,
    /// Columns and rows of pixels in a cell of the terminal.
    pub(crate) cell: (u16, u16),
    /// Between easel and the terminal is tmux, and passes on what is wrapped for it.
    pub(crate) is_wrapped: bool,
}

/// A cell of a terminal that does not say how large its cells are.
const USUAL_CELL: (u16, u16) = (10, 20);

/// Half blocks.
impl Default for Graphics {
    fn default() -> Self {
        Graphics { protocol: Protocol::Blocks, cell: USUAL_CELL, is_wrapped: false }
    }
}

impl Graphics {
    /// Whether the terminal is sent pixels; otherwise it is sent characters, or nothing.
    pub(crate) fn has_pixels(self) -> bool {
        matches!(self.protocol, Protocol::Sixel | Protocol::Iterm2 | Protocol::Kitty)
    }

    /// Whether characters that are drawn over a picture and taken away again leave a hole in it.
    pub(crate) fn is_fragile(self) -> bool {
        matches!(self.protocol, Protocol::Sixel | Protocol::Iterm2)
    }

    /// Columns and rows of a picture's pixels in a cell.
    pub(crate) fn pixels(self) -> (u16, u16) {
        if self.has_pixels() { self.cell } else { (1, 2) }
    }
}

/// What the terminal says of itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Answer {
    /// It draws sixels.
    pub(crate) has_sixels: bool,
    /// Columns and rows of pixels in a cell.
    pub(crate) cell: Option<(u16, u16)>,
}

impl Answer {
    /// Reads what a terminal answered to [`QUESTION`]; none before the last part of it is there.
    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        let mut answer = Answer::default();
        let mut is_whole = false;
        for part in bytes.split(|byte| *byte == 0x1b).filter_map(|part| part.strip_prefix(b"[")) {
            let Some(end) = part.iter().position(|byte| byte.is_ascii_alphabetic()) else { continue };
            let Ok(numbers) = std::str::from_utf8(&part[..end]) else { continue };
            match part[end] {
                b'c' => {
                    is_whole = true;
                    let attributes = numbers.strip_prefix('?').unwrap_or_default();
                    answer.has_sixels = attributes.split(';').skip(1).any(|attribute| attribute == "4");
                }
                b't' => {
                    let numbers: Vec<u16> = numbers.split(';').filter_map(|number| number.parse().ok()).collect();
                    if let [6, height @ (1..), width @ (1..)] = numbers[..] {
                        answer.cell = Some((width, height));
                    }
                }
                _ => {}
            }
        }
        is_whole.then_some(answer)
    }
}

/// Asks for the size of a cell, and last for what the terminal can do: that question every terminal answers. Neither
/// question is ever shown by one that does not know it, and an answer that comes late is no key.
pub(crate) const QUESTION: &[u8] = b"\x1b[16t\x1b[c";

type Variable<'a> = &'a dyn Fn(&str) -> Option<String>;

fn is(variable: Variable<'_>, name: &str, wanted: &str) -> bool {
    variable(name).is_some_and(|value| value == wanted)
}

fn is_multiplexed(variable: Variable<'_>) -> bool {
    let term = variable("TERM").unwrap_or_default();
    variable("TMUX").is_some() || variable("STY").is_some() || term.starts_with("screen") || term.starts_with("tmux")
}

/// What the environment says; none if it says nothing and the terminal may be asked.
fn named(variable: Variable<'_>, depth: Depth) -> Option<Protocol> {
    let term = variable("TERM").unwrap_or_default();
    let has = |name: &str| variable(name).is_some_and(|value| !value.is_empty());
    // A multiplexer keeps pictures to itself, or shows them in the wrong place; who wants no colours wants no pixels.
    if is_multiplexed(variable) || depth == Depth::None {
        return Some(Protocol::Blocks);
    }
    let is_program = |name: &str| is(variable, "TERM_PROGRAM", name);
    if term.contains("kitty") || term.contains("ghostty") || is_program("ghostty") {
        return Some(Protocol::Kitty);
    }
    if is_program("iTerm.app") || is_program("WezTerm") || is_program("mintty") || is(variable, "LC_TERMINAL", "iTerm2")
    {
        return Some(Protocol::Iterm2);
    }
    // Terminals that were started from within kitty have its variable too.
    let others =
        ["TERM_PROGRAM", "ALACRITTY_WINDOW_ID", "WEZTERM_PANE", "VTE_VERSION", "KONSOLE_VERSION", "WT_SESSION"];
    if has("KITTY_WINDOW_ID") && term.starts_with("xterm") && !others.into_iter().any(has) {
        return Some(Protocol::Kitty);
    }
    if ["foot", "mlterm", "contour"].iter().any(|known| term.starts_with(known)) {
        return Some(Protocol::Sixel);
    }
    // Konsole says that it draws sixels, and leaves parts of them behind.
    let may_be_asked = (term.starts_with("xterm") || term.starts_with("rxvt")) && !has("KONSOLE_VERSION");
    (!may_be_asked).then_some(Protocol::Blocks)
}

/// Whether the terminal has to be asked.
pub(crate) fn has_question(wanted: Pictures, variable: Variable<'_>, depth: Depth) -> bool {
    wanted == Pictures::Auto && named(variable, depth).is_none()
}

/// How pictures are drawn: as somebody wants it, else as the environment and the terminal say. `cell` is what the system
/// knows of the size of a cell.
pub(crate) fn choose(
    wanted: Pictures,
    variable: Variable<'_>,
    depth: Depth,
    answer: Option<Answer>,
    cell: Option<(u16, u16)>,
) -> Graphics {
    let cell = cell.or_else(|| answer.and_then(|answer| answer.cell));
    let protocol = match wanted {
        Pictures::None => Protocol::None,
        Pictures::Blocks => Protocol::Blocks,
        Pictures::Sixel => Protocol::Sixel,
        Pictures::Iterm2 => Protocol::Iterm2,
        // The colour of its characters says which picture it is: without colours, none.
        Pictures::Kitty if depth == Depth::None => Protocol::Blocks,
        Pictures::Kitty => Protocol::Kitty,
        Pictures::Auto => {
            let asked = if answer.is_some_and(|answer| answer.has_sixels) { Protocol::Sixel } else { Protocol::Blocks };
            let protocol = named(variable, depth).unwrap_or(asked);
            // Pixels of unknown size would cover something else.
            if cell.is_some() { protocol } else { Protocol::Blocks }
        }
    };
    // tmux knows sixels itself.
    let is_wrapped = variable("TMUX").is_some() && matches!(protocol, Protocol::Kitty | Protocol::Iterm2);
    Graphics { protocol, cell: cell.unwrap_or(USUAL_CELL), is_wrapped }
}

/// The size of a cell of a terminal of so many columns, lines and pixels; none if it does not tell the pixels.
pub(crate) fn cell((columns, lines): (u16, u16), (width, height): (u16, u16)) -> Option<(u16, u16)> {
    let size = (width.checked_div(columns)?, height.checked_div(lines)?);
    // Some give the size of the text in another unit.
    ((2..=200).contains(&size.0) && (4..=400).contains(&size.1)).then_some(size)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CELL: Option<(u16, u16)> = Some((8, 16));

    fn auto(variables: &[(&str, &str)], answer: Option<Answer>) -> Option<Protocol> {
        let variable =
            |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_string());
        let depth = Depth::of(&variable);
        let is_open = has_question(Pictures::Auto, &variable, depth) && answer.is_none();
        (!is_open).then(|| choose(Pictures::Auto, &variable, depth, answer, CELL).protocol)
    }

    #[test]
    fn the_environment_names_terminals_that_draw_pixels() {
        assert_eq!(auto(&[("TERM", "xterm-kitty")], None), Some(Protocol::Kitty));
        assert_eq!(auto(&[("TERM", "xterm-ghostty")], None), Some(Protocol::Kitty));
        assert_eq!(auto(&[("TERM", "xterm-256color"), ("KITTY_WINDOW_ID", "1")], None), Some(Protocol::Kitty));
        assert_eq!(auto(&[("TERM", "xterm-256color"), ("TERM_PROGRAM", "iTerm.app")], None), Some(Protocol::Iterm2));
        assert_eq!(auto(&[("TERM", "xterm-256color"), ("LC_TERMINAL", "iTerm2")], None), Some(Protocol::Iterm2));
        assert_eq!(auto(&[("TERM", "foot")], None), Some(Protocol::Sixel));
        assert_eq!(auto(&[("TERM", "linux")], None), Some(Protocol::Blocks));
        assert_eq!(auto(&[("TERM", "dumb")], None), Some(Protocol::Blocks));
        assert_eq!(auto(&[], None), Some(Protocol::Blocks));
    }

    #[test]
    fn multiplexers_and_terminals_within_kitty_get_blocks() {
        let inside = [("TERM", "tmux-256color"), ("TMUX", "/tmp/tmux"), ("KITTY_WINDOW_ID", "1")];
        assert_eq!(auto(&inside, None), Some(Protocol::Blocks));
        assert_eq!(auto(&[("TERM", "screen.xterm-kitty")], None), Some(Protocol::Blocks));
        let other = [("TERM", "alacritty"), ("KITTY_WINDOW_ID", "1"), ("ALACRITTY_WINDOW_ID", "7")];
        assert_eq!(auto(&other, None), Some(Protocol::Blocks));
        assert_eq!(auto(&[("TERM", "xterm-kitty"), ("NO_COLOR", "1")], None), Some(Protocol::Blocks));
    }

    #[test]
    fn others_are_asked_and_believed() {
        assert_eq!(auto(&[("TERM", "xterm-256color")], None), None, "it is asked");
        let sixels = Answer { has_sixels: true, cell: None };
        assert_eq!(auto(&[("TERM", "xterm-256color")], Some(sixels)), Some(Protocol::Sixel));
        assert_eq!(auto(&[("TERM", "xterm-256color")], Some(Answer::default())), Some(Protocol::Blocks));
        assert_eq!(auto(&[("TERM", "xterm-256color"), ("KONSOLE_VERSION", "220401")], None), Some(Protocol::Blocks));
    }

    #[test]
    fn answers_are_read_whole_or_not_at_all() {
        let read = |text: &str| Answer::read(text.as_bytes());
        let whole = Answer { has_sixels: true, cell: Some((9, 18)) };
        assert_eq!(read("\x1b[6;18;9t\x1b[?62;4;22c"), Some(whole));
        assert_eq!(read("\x1b[6;18;9t"), None);
        assert_eq!(read("\x1b[?4;2c"), Some(Answer::default()), "the first number is the kind of terminal");
        assert_eq!(read("\x1b[6;0;0t\x1b[?1;2c"), Some(Answer::default()));
        assert_eq!(read("q\x1b[A\x1b["), None, "keys that were pressed meanwhile");
        assert_eq!(Answer::read(&[0x1b, b'[', 0xff, b'c']), None);
    }

    #[test]
    fn what_somebody_wants_goes_before_what_is_found() {
        let nothing = |_: &str| None;
        let of = |wanted, depth| choose(wanted, &nothing, depth, None, None).protocol;
        assert_eq!(of(Pictures::Auto, Depth::True), Protocol::Blocks, "the size of a cell is not known");
        assert_eq!(of(Pictures::Sixel, Depth::None), Protocol::Sixel);
        assert_eq!(of(Pictures::Kitty, Depth::True), Protocol::Kitty);
        assert_eq!(of(Pictures::Kitty, Depth::None), Protocol::Blocks);
        assert_eq!(of(Pictures::None, Depth::True), Protocol::None);
        let tmux = |name: &str| (name == "TMUX").then(|| "/tmp/tmux".to_string());
        assert!(choose(Pictures::Kitty, &tmux, Depth::True, None, CELL).is_wrapped);
        assert!(!choose(Pictures::Sixel, &tmux, Depth::True, None, CELL).is_wrapped);
    }

    #[test]
    fn cells_have_sensible_sizes_or_none() {
        assert_eq!(cell((80, 24), (800, 480)), Some((10, 20)));
        assert_eq!(cell((80, 24), (0, 0)), None);
        assert_eq!(cell((0, 0), (800, 480)), None);
        assert_eq!(cell((80, 24), (80, 24)), None);
    }
}
